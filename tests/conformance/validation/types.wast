;; Which types there are: not empty, not too deep, resources only where they may be, exported before
;; others see them.

(component definition
  (type (record (field "a" u8))) (type (tuple u8)) (type (variant (case "a"))) (type (enum "a"))
  (type (flags "a")) (type (option u8)) (type (result)) (type (result u8)) (type (result (error u8)))
  (type (result u8 (error string))) (type (list string)) (type (list u8 1)) (type (map string u8)))
(assert_invalid (component (type (record))) "record type must have at least one field")
(assert_invalid (component (type (tuple))) "tuple type must have at least one type")
(assert_invalid (component (type (variant))) "variant type must have at least one case")
(assert_invalid (component (type (enum))) "enum type must have at least one variant")
(assert_invalid (component (type (flags))) "flags must have at least one entry")

;; Named types that an import or export uses are imported or exported themselves.
(component definition
  (type $e' (enum "a"))
  (import "e" (type $e (eq $e')))
  (import "f" (func (param "x" $e))))
(assert_invalid
  (component (type $e (enum "a")) (import "f" (func (param "x" $e))))
  "not valid to be used as import")
(assert_invalid
  (component (type $r (record (field "x" u8))) (import "f" (func (result (list $r)))))
  "not valid to be used as import")
(assert_invalid
  (component
    (type $e (enum "a"))
    (core module $m (func (export "f") (param i32))) (core instance $i (instantiate $m))
    (func $f (param "x" $e) (canon lift (core func $i "f")))
    (export "f" (func $f)))
  "not valid to be used as export")
(assert_invalid
  (component
    (type $r (resource (rep i32)))
    (core func $drop (canon resource.drop $r))
    (func $f (param "x" (own $r)) (canon lift (core func $drop)))
    (export "f" (func $f)))
  "not valid to be used as export")
;; Without a name they need not be.
(component definition (import "f" (func (param "x" (list (option (tuple u8 (result string))))))))

;; Resources are defined in components, not in their types.
(assert_invalid
  (component (type (component (type (resource (rep i32))))))
  "resources can only be defined within a concrete component")
(assert_invalid
  (component (type (instance (type (resource (rep i32))))))
  "resources can only be defined within a concrete component")
(assert_invalid (component (type $t u8) (type (borrow $t))) "not a resource type")
(assert_invalid (component (type $t u8) (import "t" (type (sub resource))) (type (own $t))) "not a resource type")

;; Nesting has an end.
(assert_invalid
  (component
    (type $t0 (tuple u8 u8)) (type $t1 (tuple $t0 $t0)) (type $t2 (tuple $t1 $t1))
    (type $t3 (tuple $t2 $t2)) (type $t4 (tuple $t3 $t3)) (type $t5 (tuple $t4 $t4))
    (type $t6 (tuple $t5 $t5)) (type $t7 (tuple $t6 $t6)) (type $t8 (tuple $t7 $t7))
    (type $t9 (tuple $t8 $t8)) (type $t10 (tuple $t9 $t9)) (type $t11 (tuple $t10 $t10))
    (type $t12 (tuple $t11 $t11)) (type $t13 (tuple $t12 $t12)) (type $t14 (tuple $t13 $t13))
    (type $t15 (tuple $t14 $t14)) (type $t16 (tuple $t15 $t15)) (type $t17 (tuple $t16 $t16))
    (type $t18 (tuple $t17 $t17)) (type $t19 (tuple $t18 $t18)) (type (tuple $t19 $t19)))
  "effective type size exceeds the limit")

;; Core modules are validated whole, instantiated or not, bodies included.
(component definition (core module (func (result i32) (i32.const 1))))
(assert_invalid (component (core module (func (result i32)))) "type mismatch")
(assert_invalid (component (core module (func (drop)))) "type mismatch")
(assert_invalid (component (core module (func (local.get 0) (drop)))) "unknown local")
(assert_invalid (component (core module (func (call 1)))) "unknown function")
(assert_invalid (component (core module (func (drop (i32.load (i32.const 0)))))) "unknown memory")
(assert_invalid (component (core module (func (br 1)))) "unknown label")
(assert_invalid (component (core module (global i32 (i64.const 0)))) "type mismatch")
(assert_invalid (component (core module (memory 65537))) "memory size must be at most")
(assert_invalid (component (core module (memory 2 1))) "size minimum must not be greater than maximum")
(assert_invalid (component (core module (func (export "a")) (func (export "a")))) "duplicate export name")
(assert_invalid (component (core module (import "a" "b" (func)) (import "a" "b" (func)))) "duplicate import name")
(assert_invalid
  (component (component (component (core module (func (result i64) (i32.const 0))))))
  "type mismatch")

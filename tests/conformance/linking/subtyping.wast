;; What may be given for what: an instance with more exports, a component with fewer imports and
;; more exports, a module likewise; values' types are equal or not.

;; An instance may have more than is wanted.
(component definition
  (component $wants (import "i" (instance (export "f" (func)))))
  (import "f" (func $f))
  (instance $exact (export "f" (func $f)))
  (instance $more (export "f" (func $f)) (export "g" (func $f)))
  (instance (instantiate $wants (with "i" (instance $exact))))
  (instance (instantiate $wants (with "i" (instance $more))))
  (instance (instantiate $wants (with "i" (instance (export "f" (func $f)) (export "h" (func $f)))))))
(assert_invalid
  (component
    (component $wants (import "i" (instance (export "f" (func)))))
    (import "f" (func $f))
    (instance $other (export "g" (func $f)))
    (instance (instantiate $wants (with "i" (instance $other)))))
  "missing expected export `f`")
(assert_invalid
  (component
    (component $wants (import "i" (instance (export "f" (func)))))
    (import "f" (func $f (param "x" u8)))
    (instance $other (export "f" (func $f)))
    (instance (instantiate $wants (with "i" (instance $other)))))
  "type mismatch in instance export `f`")
(assert_invalid
  (component
    (component $wants (import "i" (instance (export "f" (func)))))
    (import "f" (func $f))
    (instance (instantiate $wants (with "i" (func $f)))))
  "expected instance, found func")
(assert_invalid
  (component
    (component $wants (import "i" (instance)))
    (instance (instantiate $wants)))
  "missing import named `i`")
(assert_invalid
  (component
    (component $wants (import "i" (instance)))
    (instance $i)
    (instance (instantiate $wants (with "i" (instance $i)) (with "i" (instance $i)))))
  "instantiation argument `i` conflicts with previous argument `i`")
;; An argument that nobody wants is no harm.
(component definition
  (component $wants (import "i" (instance)))
  (instance $i)
  (instance (instantiate $wants (with "i" (instance $i)) (with "j" (instance $i)))))

;; Functions: parameters by name and type, in order; the result.
(component definition
  (component $wants (import "f" (func (param "a" u8) (param "b" string) (result (list u8)))))
  (import "f" (func $f (param "a" u8) (param "b" string) (result (list u8))))
  (instance (instantiate $wants (with "f" (func $f)))))
(assert_invalid
  (component
    (component $wants (import "f" (func (param "a" u8))))
    (import "f" (func $f (param "b" u8)))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected parameter named `a`, found `b`")
(assert_invalid
  (component
    (component $wants (import "f" (func (param "a" u8))))
    (import "f" (func $f (param "a" s8)))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected primitive `u8` found primitive `s8`")
(assert_invalid
  (component
    (component $wants (import "f" (func (param "a" u8))))
    (import "f" (func $f (param "a" u8) (param "b" u8)))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected 1 parameters, found 2")
(assert_invalid
  (component
    (component $wants (import "f" (func (result u8))))
    (import "f" (func $f))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected no result, found one")
(assert_invalid
  (component
    (component $wants (import "f" (func)))
    (import "f" (func $f (result u8)))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected a result, found none")

;; Types of values are equal in all their parts.
(component definition
  (component $wants
    (type $r' (record (field "a" u8) (field "b" (option string))))
    (import "r" (type $r (eq $r')))
    (import "f" (func (param "x" $r) (result (map u8 (list u16 3))))))
  (type $s' (record (field "a" u8) (field "b" (option string))))
  (import "s" (type $s (eq $s')))
  (import "f" (func $f (param "x" $s) (result (map u8 (list u16 3)))))
  (instance (instantiate $wants (with "r" (type $s)) (with "f" (func $f)))))
(assert_invalid
  (component
    (component $wants (import "f" (func (param "x" (list u8 3)))))
    (import "f" (func $f (param "x" (list u8 4))))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected fixed-length 3, found size 4")
(assert_invalid
  (component
    (component $wants (import "f" (func (param "x" (list u8)))))
    (import "f" (func $f (param "x" (list u8 4))))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected list, found")
(assert_invalid
  (component
    (component $wants (import "f" (func (param "x" (map u8 u8)))))
    (import "f" (func $f (param "x" (list (tuple u8 u8)))))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected map, found list")
(assert_invalid
  (component
    (component $wants (import "f" (func (param "x" (map u8 u8)))))
    (import "f" (func $f (param "x" (map u16 u8))))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected primitive `u8` found primitive `u16`")
(assert_invalid
  (component
    (component $wants (import "f" (func (param "x" (tuple u8 u8)))))
    (import "f" (func $f (param "x" (tuple u8))))
    (instance (instantiate $wants (with "f" (func $f)))))
  "expected 2 types, found 1")
(assert_invalid
  (component
    (component $wants (type $e (enum "a" "b")) (import "e" (type (eq $e))))
    (type $e (enum "b" "a")) (import "e" (type $e' (eq $e)))
    (instance (instantiate $wants (with "e" (type $e')))))
  "mismatch in enum elements")
(assert_invalid
  (component
    (component $wants (type $e (flags "a" "b")) (import "e" (type (eq $e))))
    (type $e (flags "a")) (import "e" (type $e' (eq $e)))
    (instance (instantiate $wants (with "e" (type $e')))))
  "mismatch in flags elements")
(assert_invalid
  (component
    (component $wants (type $v (variant (case "a" u8))) (import "v" (type (eq $v))))
    (type $v (variant (case "a"))) (import "v" (type $v' (eq $v)))
    (instance (instantiate $wants (with "v" (type $v')))))
  "expected case `a` to have a type, found none")

;; Components: what is given may want less and offer more.
(component definition
  (component $wants
    (import "c" (component
      (import "f" (func)) (import "g" (func)) (export "h" (func)))))
  (component $fewer (import "f" (func $f)) (export "h" (func $f)) (export "i" (func $f)))
  (instance (instantiate $wants (with "c" (component $fewer)))))
(assert_invalid
  (component
    (component $wants (import "c" (component (export "h" (func)))))
    (component $more (import "f" (func $f)) (export "h" (func $f)))
    (instance (instantiate $wants (with "c" (component $more)))))
  "missing import named `f`")
(assert_invalid
  (component
    (component $wants (import "c" (component (import "f" (func)) (export "h" (func)))))
    (component $less (import "f" (func $f)))
    (instance (instantiate $wants (with "c" (component $less)))))
  "missing export named `h`")
(assert_invalid
  (component
    (component $wants (import "c" (component (import "f" (func (param "a" u8))))))
    (component $other (import "f" (func (param "a" u16))))
    (instance (instantiate $wants (with "c" (component $other)))))
  "type mismatch for import `f`")

;; Modules: limits of memories and tables, mutability of globals, signatures of functions.
(component definition
  (component $wants
    (import "m" (core module
      (import "" "f" (func (param i32)))
      (export "mem" (memory 1 4)) (export "tab" (table 1 funcref))
      (export "g" (global (mut i64))) (export "f" (func (result f32))))))
  (core module $given
    (memory (export "mem") 2 3) (table (export "tab") 5 6 funcref)
    (global (export "g") (mut i64) (i64.const 0)) (func (export "f") (result f32) (f32.const 0))
    (func (export "more")))
  (instance (instantiate $wants (with "m" (core module $given)))))
(assert_invalid
  (component
    (component $wants (import "m" (core module (export "mem" (memory 2)))))
    (core module $m (memory (export "mem") 1))
    (instance (instantiate $wants (with "m" (core module $m)))))
  "mismatch in memory limits")
(assert_invalid
  (component
    (component $wants (import "m" (core module (export "mem" (memory 1 4)))))
    (core module $m (memory (export "mem") 1))
    (instance (instantiate $wants (with "m" (core module $m)))))
  "mismatch in memory limits")
(assert_invalid
  (component
    (component $wants (import "m" (core module (export "t" (table 1 funcref)))))
    (core module $m (table (export "t") 1 externref))
    (instance (instantiate $wants (with "m" (core module $m)))))
  "expected table element type funcref, found externref")
(assert_invalid
  (component
    (component $wants (import "m" (core module (export "g" (global i32)))))
    (core module $m (global (export "g") (mut i32) (i32.const 0)))
    (instance (instantiate $wants (with "m" (core module $m)))))
  "global types differ in mutability")
(assert_invalid
  (component
    (component $wants (import "m" (core module (export "f" (func (param i32))))))
    (core module $m (func (export "f") (param i64)))
    (instance (instantiate $wants (with "m" (core module $m)))))
  "expected: (func (param i32))")
(assert_invalid
  (component
    (component $wants (import "m" (core module)))
    (core module $m (import "a" "b" (func)))
    (instance (instantiate $wants (with "m" (core module $m)))))
  "missing expected import `a::b`")

;; Core instantiation is as strict.
(assert_invalid
  (component
    (core module $a (memory (export "m") 1))
    (core module $b (import "a" "m" (memory 2)))
    (core instance $a (instantiate $a))
    (core instance (instantiate $b (with "a" (instance $a)))))
  "mismatch in memory limits")
(assert_invalid
  (component
    (core module $a (func (export "f") (param i32)))
    (core module $b (import "a" "f" (func)))
    (core instance $a (instantiate $a))
    (core instance (instantiate $b (with "a" (instance $a)))))
  "expected: (func)")
(assert_invalid
  (component
    (core module $b (import "a" "f" (func)))
    (core instance (instantiate $b)))
  "missing module instantiation argument named `a`")
(assert_invalid
  (component
    (core module $a)
    (core module $b (import "a" "f" (func)))
    (core instance $a (instantiate $a))
    (core instance (instantiate $b (with "a" (instance $a)))))
  "module instantiation argument `a` does not export an item named `f`")

;; A resource type is itself and nothing else.
(component definition
  (component $wants
    (import "r" (type $r (sub resource)))
    (import "f" (func (param "x" (own $r)))))
  (import "r" (type $r (sub resource)))
  (import "f" (func $f (param "x" (own $r))))
  (instance (instantiate $wants (with "r" (type $r)) (with "f" (func $f)))))
(assert_invalid
  (component
    (component $wants
      (import "r" (type $r (sub resource)))
      (import "f" (func (param "x" (own $r)))))
    (import "r" (type $r (sub resource)))
    (import "s" (type $s (sub resource)))
    (import "f" (func $f (param "x" (own $r))))
    (instance (instantiate $wants (with "r" (type $s)) (with "f" (func $f)))))
  "resource types are not the same")
(assert_invalid
  (component
    (component $wants
      (import "r" (type $r (sub resource)))
      (import "f" (func (param "x" (own $r)))))
    (import "r" (type $r (sub resource)))
    (import "f" (func $f (param "x" (borrow $r))))
    (instance (instantiate $wants (with "r" (type $r)) (with "f" (func $f)))))
  "expected own, found borrow")
(assert_invalid
  (component
    (component $wants (import "r" (type (sub resource))))
    (type $t u8)
    (instance (instantiate $wants (with "r" (type $t)))))
  "expected resource, found defined type")

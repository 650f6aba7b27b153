;; Every index names something that was defined before it, of the right sort.

(assert_invalid (component (core instance (instantiate 0))) "module index out of bounds")
(assert_invalid (component (instance (instantiate 0))) "component index out of bounds")
(assert_invalid (component (export "a" (func 0))) "function index out of bounds")
(assert_invalid (component (export "a" (instance 0))) "instance index out of bounds")
(assert_invalid (component (export "a" (component 0))) "component index out of bounds")
(assert_invalid (component (export "a" (core module 0))) "module index out of bounds")
(assert_invalid (component (export "a" (type 0))) "type index out of bounds")
(assert_invalid (component (import "a" (func (type 0)))) "type index out of bounds")
(assert_invalid (component (import "a" (instance (type 0)))) "type index out of bounds")
(assert_invalid (component (import "a" (component (type 0)))) "type index out of bounds")
(assert_invalid (component (import "a" (core module (type 0)))) "type index out of bounds")
(assert_invalid (component (type (list 0))) "type index out of bounds")
(assert_invalid (component (type (option 5))) "type index out of bounds")
(assert_invalid (component (type (own 0))) "type index out of bounds")
(assert_invalid (component (type u8) (type (own 0))) "not a resource type")
(assert_invalid (component (type (func)) (type (list 0))) "not a defined type")
(assert_invalid (component (type (instance)) (type (tuple 0))) "not a defined type")
(assert_invalid (component (alias export 0 "a" (func))) "instance index out of bounds")
(assert_invalid (component (alias core export 0 "a" (core func))) "instance index out of bounds")
(assert_invalid (component (core func (canon lower (func 0)))) "function index out of bounds")
(assert_invalid (component (type (func)) (func (type 0) (canon lift (core func 0)))) "function index out of bounds")
(assert_invalid
  (component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
    (func (type 0) (canon lift (core func $i "f"))))
  "type index out of bounds")
(assert_invalid
  (component (type $t u8) (core module $m (func (export "f"))) (core instance $i (instantiate $m))
    (func (type $t) (canon lift (core func $i "f"))))
  "not a function type")
(assert_invalid
  (component (core module $m) (core instance $i (instantiate $m))
    (alias core export $i "f" (core func)))
  "has no export named `f`")
(assert_invalid
  (component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
    (alias core export $i "f" (core memory)))
  "is not a memory")
(assert_invalid
  (component (core module $m (memory (export "m") 1)) (core instance $i (instantiate $m))
    (alias core export $i "m" (core func)))
  "is not a function")
(assert_invalid
  (component (core instance (export "f" (func 0)))) "function index out of bounds")
(assert_invalid
  (component (core instance (export "m" (memory 0)))) "memory index out of bounds")
(assert_invalid
  (component (core instance (export "t" (table 0)))) "table index out of bounds")
(assert_invalid
  (component (core instance (export "g" (global 0)))) "global index out of bounds")
(assert_invalid
  (component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
    (alias core export $i "f" (core func $f))
    (core instance (export "a" (func $f)) (export "a" (func $f))))
  "export name `a` already defined")
(assert_invalid
  (component (core module $m (import "a" "f" (func))) (core instance (instantiate $m (with "a" (instance 0)))))
  "instance index out of bounds")
(assert_invalid (component (instance (export "a" (func 0)))) "function index out of bounds")
(assert_invalid
  (component (component $c) (instance (instantiate $c (with "a" (func 0))))) "function index out of bounds")
;; What is defined later is not there yet; what is nested is not seen outside.
(assert_invalid (component (instance (instantiate 0)) (component)) "component index out of bounds")
(assert_invalid (component (export "t" (type 0)) (type u8)) "type index out of bounds")
(assert_invalid (component (component (core module)) (core instance (instantiate 0))) "module index out of bounds")

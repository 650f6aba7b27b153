;; Types on their way between components: imported abstract and equal, exported under new names,
;; aliased out of instances, and never confused.

;; A type is imported under a bound, and what is built with it fits what is given.
(component
  (component $types
    (type $p' (record (field "x" s32) (field "y" s32)))
    (export $p "point" (type $p'))
    (type $s' (variant (case "dot" $p) (case "line" (tuple $p $p)) (case "none")))
    (export "shape" (type $s')))
  (component $server
    (import "types" (instance $types
      (type $p' (record (field "x" s32) (field "y" s32)))
      (export "point" (type $p (eq $p')))
      (type $s' (variant (case "dot" $p) (case "line" (tuple $p $p)) (case "none")))
      (export "shape" (type (eq $s')))))
    (alias export $types "shape" (type $shape))
    (alias export $types "point" (type $point))
    (core module $m
      (memory (export "memory") 1)
      (func (export "sum") (param i32 i32 i32 i32 i32) (result i32)
        (i32.add (i32.mul (local.get 0) (i32.const 1000))
          (i32.add (i32.add (local.get 1) (local.get 2)) (i32.add (local.get 3) (local.get 4)))))
      (func (export "mirror") (param i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 1)) (i32.store (i32.const 20) (local.get 0))
        (i32.const 16)))
    (core instance $i (instantiate $m))
    (func (export "sum") (param "s" $shape) (result s32) (canon lift (core func $i "sum")))
    (func (export "mirror") (param "p" $point) (result $point)
      (canon lift (core func $i "mirror") (memory (core memory $i "memory")))))
  (instance $types (instantiate $types))
  (instance $server (instantiate $server (with "types" (instance $types))))
  (alias export $types "point" (type $point'))
  (export $point "point" (type $point'))
  (type $shape' (variant (case "dot" $point) (case "line" (tuple $point $point)) (case "none")))
  (export $shape "shape" (type $shape'))
  (export "sum" (func $server "sum") (func (param "s" $shape) (result s32)))
  (export "mirror" (func $server "mirror") (func (param "p" $point) (result $point))))
(assert_return (invoke "sum" (variant.const "none")) (s32.const 2000))
(assert_return
  (invoke "sum" (variant.const "dot" (record.const (field "x" s32.const -3) (field "y" s32.const 5))))
  (s32.const 2))
(assert_return
  (invoke "sum"
    (variant.const "line"
      (tuple.const (record.const (field "x" s32.const 1) (field "y" s32.const 2))
        (record.const (field "x" s32.const 3) (field "y" s32.const 4)))))
  (s32.const 1010))
(assert_return (invoke "mirror" (record.const (field "x" s32.const 1) (field "y" s32.const -2)))
  (record.const (field "x" s32.const -2) (field "y" s32.const 1)))

;; The same resource type on three ways, and another that only looks like it.
(component definition
  (component $maker
    (type $r' (resource (rep i32))) (export $r "r" (type $r')) (export "s" (type $r)))
  (component $user
    (import "a" (type $a (sub resource)))
    (import "b" (type (eq $a)))
    (import "f" (func (param "x" (own $a)))))
  (instance $m (instantiate $maker))
  (alias export $m "r" (type $r))
  (alias export $m "s" (type $s))
  (core func $drop (canon resource.drop $r))
  (func $f (param "x" (own $s)) (canon lift (core func $drop)))
  (instance (instantiate $user (with "a" (type $r)) (with "b" (type $s)) (with "f" (func $f)))))
(assert_invalid
  (component
    (component $maker (type $r' (resource (rep i32))) (export "r" (type $r')))
    (component $user
      (import "a" (type $a (sub resource)))
      (import "b" (type (eq $a))))
    (instance $m (instantiate $maker))
    (instance $n (instantiate $maker))
    (alias export $m "r" (type $r))
    (alias export $n "r" (type $s))
    (instance (instantiate $user (with "a" (type $r)) (with "b" (type $s)))))
  "resource types are not the same")
(assert_invalid
  (component
    (component $two
      (import "a" (type $a (sub resource)))
      (import "b" (type $b (sub resource)))
      (import "f" (func $f (param "x" (own $a))))
      (export "f" (func $f) (func (param "x" (own $b))))))
  "resource types are not the same")
;; Inside of a component two abstract types are two, though both are given the same.
(component definition
  (component $two
    (import "a" (type $a (sub resource)))
    (import "b" (type $b (sub resource)))
    (import "f" (func (param "x" (own $a)) (param "y" (own $b)))))
  (type $r (resource (rep i32)))
  (core module $m (func (export "f") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func $f (param "x" (own $r)) (param "y" (own $r)) (canon lift (core func $i "f")))
  (instance (instantiate $two (with "a" (type $r)) (with "b" (type $r)) (with "f" (func $f)))))

;; Types of components and instances as imports and exports.
(component definition
  (type $t (component (import "r" (type $r (sub resource))) (export "f" (func (param "x" (own $r))))))
  (component $wants
    (alias outer 1 $t (type $t))
    (import "c" (component $c (type $t)))
    (type $r (resource (rep i32)))
    (instance (instantiate $c (with "r" (type $r)))))
  (component $given
    (import "r" (type $r (sub resource)))
    (core func $drop (canon resource.drop $r))
    (func $f (param "x" (own $r)) (canon lift (core func $drop)))
    (export "f" (func $f)))
  (instance (instantiate $wants (with "c" (component $given)))))
(component definition
  (type $t (instance (export "a" (instance (export "f" (func))))))
  (import "i" (instance $i (type $t)))
  (alias export $i "a" (instance $a))
  (alias export $a "f" (func $f))
  (export "f" (func $f)))
(component definition
  (import "t" (type $t (sub resource)))
  (type $i (instance (alias outer 1 $t (type $t)) (export "u" (type (eq $t)))
    (export "f" (func (param "x" (borrow $t))))))
  (import "i" (instance (type $i))))
(assert_invalid
  (component (import "i" (instance $i)) (alias export $i "f" (func)))
  "has no export named `f`")
(assert_invalid
  (component (import "i" (instance $i (export "f" (func)))) (alias export $i "f" (instance)))
  "export `f` for instance 0 is not a instance")
(assert_invalid
  (component (type $t u8) (import "i" (instance (type $t))))
  "type index 0 is not an instance type")
(assert_invalid
  (component (type $t (instance)) (import "i" (component (type $t))))
  "type index 0 is not a component type")
(assert_invalid
  (component (type $t (component)) (import "i" (func (type $t))))
  "type index 0 is not a function type")

;; Aliases out of instances and of enclosing components, over several levels.

;; Modules and components of one, two and three levels up.
(component
  (core module $one (func (export "n") (result i32) (i32.const 1)))
  (component $ten
    (core module $m (func (export "n") (result i32) (i32.const 10)))
    (core instance $i (instantiate $m))
    (func (export "n") (result u32) (canon lift (core func $i "n"))))
  (component $level1
    (core module $hundred (func (export "n") (result i32) (i32.const 100)))
    (component $level2
      (component $level3
        (alias outer 3 $one (core module $a))
        (alias outer 2 $hundred (core module $b))
        (alias outer 3 $ten (component $c))
        (core instance $a (instantiate $a))
        (core instance $b (instantiate $b))
        (instance $c (instantiate $c))
        (component $sum
          (import "c" (func $c (result u32)))
          (core func $c' (canon lower (func $c)))
          (alias outer 4 $one (core module $a))
          (alias outer 3 $hundred (core module $b))
          (core instance $a (instantiate $a))
          (core instance $b (instantiate $b))
          (core module $m
            (import "a" "n" (func $a (result i32))) (import "b" "n" (func $b (result i32)))
            (import "c" "n" (func $c (result i32)))
            (func (export "n") (result i32) (i32.add (call $a) (i32.add (call $b) (call $c)))))
          (core instance $m (instantiate $m (with "a" (instance $a)) (with "b" (instance $b))
            (with "c" (instance (export "n" (func $c'))))))
          (func (export "n") (result u32) (canon lift (core func $m "n"))))
        (instance $sum (instantiate $sum (with "c" (func $c "n"))))
        (export "n" (func $sum "n")))
      (instance $i (instantiate $level3))
      (export "n" (func $i "n")))
    (instance $i (instantiate $level2))
    (export "n" (func $i "n")))
  (instance $i (instantiate $level1))
  (export "n" (func $i "n")))
(assert_return (invoke "n") (u32.const 111))

;; A component remembers its surroundings, wherever it is instantiated.
(component
  (component $outer
    (import "m" (core module $m (export "n" (func (result i32)))))
    (component $inner
      (alias outer 1 $m (core module $m))
      (core instance $i (instantiate $m))
      (func (export "n") (result u32) (canon lift (core func $i "n"))))
    (export "inner" (component $inner)))
  (core module $three (func (export "n") (result i32) (i32.const 3)))
  (core module $four (func (export "n") (result i32) (i32.const 4)))
  (instance $a (instantiate $outer (with "m" (core module $three))))
  (instance $b (instantiate $outer (with "m" (core module $four))))
  (alias export $a "inner" (component $inner-a))
  (alias export $b "inner" (component $inner-b))
  (component $elsewhere
    (import "c" (component $c (export "n" (func (result u32)))))
    (instance $i (instantiate $c))
    (export "n" (func $i "n")))
  (instance $x (instantiate $elsewhere (with "c" (component $inner-a))))
  (instance $y (instantiate $elsewhere (with "c" (component $inner-b))))
  (instance $z (instantiate $inner-a))
  (export "x" (func $x "n")) (export "y" (func $y "n")) (export "z" (func $z "n")))
(assert_return (invoke "x") (u32.const 3))
(assert_return (invoke "y") (u32.const 4))
(assert_return (invoke "z") (u32.const 3))

;; Types of enclosing components.
(component
  (type $list' (list u16))
  (export $list "list" (type $list'))
  (component $a
    (alias outer 1 $list' (type $l))
    (component $b
      (alias outer 1 $l (type $l))
      (core module $m
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "f") (param i32 i32) (result i32) (local.get 1)))
      (core instance $i (instantiate $m))
      (func (export "f") (param "l" $l) (result u32)
        (canon lift (core func $i "f") (memory (core memory $i "memory"))
          (realloc (core func $i "realloc")))))
    (instance $b (instantiate $b))
    (export "f" (func $b "f")))
  (instance $a (instantiate $a))
  (export "f" (func $a "f")))
(assert_return (invoke "f" (list.const (u16.const 1) (u16.const 2) (u16.const 3))) (u32.const 3))

;; Instances within instances, exports under other names, bundles of what is there.
(component
  (component $c
    (core module $m (func (export "n") (result i32) (i32.const 6)))
    (core instance $i (instantiate $m))
    (func $n (result u32) (canon lift (core func $i "n")))
    (instance $in (export "n" (func $n)) (export "also" (func $n)))
    (instance $out (export "in" (instance $in)) (export "n" (func $n)))
    (export "out" (instance $out)))
  (instance $c (instantiate $c))
  (alias export $c "out" (instance $out))
  (alias export $out "in" (instance $in))
  (instance $bundle (export "x" (func $in "also")) (export "y" (instance $in)))
  (alias export $bundle "y" (instance $y))
  (export "x" (func $bundle "x")) (export "y" (func $y "n")) (export "z" (func $out "n")))
(assert_return (invoke "x") (u32.const 6))
(assert_return (invoke "y") (u32.const 6))
(assert_return (invoke "z") (u32.const 6))

;; What an outer alias may not be.
(assert_invalid (component (alias outer 1 0 (type $t))) "invalid outer alias count of 1")
(assert_invalid (component (component (alias outer 2 0 (core module $m)))) "invalid outer alias count of 2")
(assert_invalid (component (component (alias outer 1 0 (core module $m)))) "index out of bounds")
(assert_invalid (component (component (alias outer 1 0 (component $c)))) "index out of bounds")
(assert_invalid
  (component (type $r (resource (rep i32))) (component (alias outer 1 $r (type $t))))
  "transitively refers to resources not defined in the current component")
(assert_invalid
  (component
    (type $r (resource (rep i32)))
    (type $o (list (own $r)))
    (component (alias outer 1 $o (type $t))))
  "transitively refers to resources not defined in the current component")
;; A component sees what was defined before it.
(assert_invalid
  (component (component (alias outer 1 0 (core module $m))) (core module))
  "index out of bounds")

;; A component instance is not entered while a call into it is in progress, and a call between an
;; instance and one that it is within, or that is within it, is refused because it might.

;; The child calls back into its parent through a table that the parent fills later.
(component definition $Circle
  (core module $slot
    (table (export "table") 1 funcref)
    (type $f (func))
    (func (export "f") (call_indirect (type $f) (i32.const 0))))
  (core instance $slot (instantiate $slot))
  (func $back (canon lift (core func $slot "f")))
  (component $child
    (import "back" (func $back))
    (core func $lowered (canon lower (func $back)))
    (core module $m (import "" "f" (func $f)) (func (export "run") (call $f)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $lowered))))))
    (func (export "run") (canon lift (core func $i "run"))))
  (instance $child (instantiate $child (with "back" (func $back))))
  (core func $run (canon lower (func $child "run")))
  (core module $m
    (import "" "run" (func $run))
    (import "" "table" (table 1 funcref))
    (elem (table 0) (i32.const 0) func $run)
    (func (export "go") (call $run)))
  (core instance $i (instantiate $m (with "" (instance
    (export "run" (func $run)) (export "table" (table $slot "table"))))))
  (func (export "go") (canon lift (core func $i "go")))
  (export "child" (func $child "run")))
(component instance $c $Circle)
(assert_trap (invoke $c "go") "cannot enter component instance")
(component instance $c $Circle)
(assert_trap (invoke $c "child") "cannot enter component instance")

;; A parent calls its child, or a child its parent: refused though nothing would come back.
(component definition $Down
  (component $child
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f"))))
  (instance $child (instantiate $child))
  (core func $f (canon lower (func $child "f")))
  (core module $m (import "" "f" (func $f)) (func (export "go") (call $f)))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "go") (canon lift (core func $i "go"))))
(component instance $c $Down)
(assert_trap (invoke $c "go") "cannot enter component instance")

(component definition $Up
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (component $child
    (import "f" (func $f))
    (core func $f' (canon lower (func $f)))
    (core module $m (import "" "f" (func $f)) (func (export "go") (call $f)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f'))))))
    (func (export "go") (canon lift (core func $i "go"))))
  (instance $child (instantiate $child (with "f" (func $f))))
  (export "f" (func $f))
  (export "go" (func $child "go")))
(component instance $c $Up)
(invoke $c "f")
(assert_trap (invoke $c "go") "cannot enter component instance")

;; Over several levels: the grandchild is within its grandparent.
(component definition $Deep
  (component $child
    (component $grandchild
      (core module $m (func (export "f")))
      (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f"))))
    (instance $g (instantiate $grandchild))
    (export "f" (func $g "f")))
  (instance $child (instantiate $child))
  (core func $f (canon lower (func $child "f")))
  (core module $m (import "" "f" (func $f)) (func (export "go") (call $f)))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "go") (canon lift (core func $i "go"))))
(component instance $c $Deep)
(assert_trap (invoke $c "go") "cannot enter component instance")

;; Siblings may call each other in one direction, again and again.
(component
  (component $first
    (core module $m
      (global $n (mut i32) (i32.const 0))
      (func (export "f") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (component $second
    (import "f" (func $f (result u32)))
    (core func $f' (canon lower (func $f)))
    (core module $m (import "" "f" (func $f (result i32)))
      (func (export "go") (result i32) (drop (call $f)) (drop (call $f)) (call $f)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f'))))))
    (func (export "go") (result u32) (canon lift (core func $i "go"))))
  (instance $first (instantiate $first))
  (instance $second (instantiate $second (with "f" (func $first "f"))))
  (instance $third (instantiate $second (with "f" (func $second "go"))))
  (export "go" (func $second "go"))
  (export "go-on" (func $third "go"))
  (export "f" (func $first "f")))
(assert_return (invoke "go") (u32.const 3))
(assert_return (invoke "go-on") (u32.const 12))
(assert_return (invoke "f") (u32.const 13))

;; A function that is lowered but never called is no harm.
(component
  (component $child
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f"))))
  (instance $child (instantiate $child))
  (core func $f (canon lower (func $child "f")))
  (core module $m (import "" "f" (func)) (func (export "go") (result i32) (i32.const 5)))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "go") (result u32) (canon lift (core func $i "go"))))
(assert_return (invoke "go") (u32.const 5))

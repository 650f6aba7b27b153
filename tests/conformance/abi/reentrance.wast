;; A component instance is not entered while a call into it is in progress. Who is within an
;; instance may call it all the same, and it may call whom it contains: it is not entered then but
;; stayed in.

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

;; A parent calls its child, a child its parent, a grandparent its grandchild.
(component
  (component $child
    (core module $m (func (export "f") (result i32) (i32.const 1)))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $child (instantiate $child))
  (core func $f (canon lower (func $child "f")))
  (core module $m (import "" "f" (func $f (result i32)))
    (func (export "go") (result i32) (i32.add (call $f) (call $f))))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "go") (result u32) (canon lift (core func $i "go"))))
(assert_return (invoke "go") (u32.const 2))
(assert_return (invoke "go") (u32.const 2))

(component
  (core module $m
    (global $n (mut i32) (i32.const 0))
    (func (export "f") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "f")))
  (component $child
    (import "f" (func $f (result u32)))
    (core func $f' (canon lower (func $f)))
    (core module $m (import "" "f" (func $f (result i32)))
      (func (export "go") (result i32) (drop (call $f)) (call $f)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f'))))))
    (func (export "go") (result u32) (canon lift (core func $i "go"))))
  (instance $child (instantiate $child (with "f" (func $f))))
  (export "f" (func $f))
  (export "go" (func $child "go")))
(assert_return (invoke "f") (u32.const 1))
(assert_return (invoke "go") (u32.const 3))
(assert_return (invoke "f") (u32.const 4))

(component
  (component $child
    (component $grandchild
      (core module $m (func (export "f") (result i32) (i32.const 6)))
      (core instance $i (instantiate $m))
      (func (export "f") (result u32) (canon lift (core func $i "f"))))
    (instance $g (instantiate $grandchild))
    (export "f" (func $g "f")))
  (instance $child (instantiate $child))
  (core func $f (canon lower (func $child "f")))
  (core module $m (import "" "f" (func $f (result i32))) (func (export "go") (result i32) (call $f)))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "go") (result u32) (canon lift (core func $i "go"))))
(assert_return (invoke "go") (u32.const 6))

;; A parent wraps two children: it calls the first, that the second, that the parent; and from there
;; the parent may call what is not in a call, but not the first child again.
(component definition $Donut
  (core module $slot
    (table (export "table") 2 funcref)
    (type $f (func (result i32)))
    (global $which (export "which") (mut i32) (i32.const 0))
    (func (export "back") (result i32) (call_indirect (type $f) (global.get $which))))
  (core instance $slot (instantiate $slot))
  (func $back (result u32) (canon lift (core func $slot "back")))
  (component $pass
    (import "next" (func $next (result u32)))
    (core func $next' (canon lower (func $next)))
    (core module $m (import "" "f" (func $f (result i32)))
      (func (export "f") (result i32) (i32.add (i32.const 1) (call $f))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $next'))))))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (component $leaf
    (core module $m (func (export "f") (result i32) (i32.const 100)))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $leaf (instantiate $leaf))
  (instance $second (instantiate $pass (with "next" (func $back))))
  (instance $first (instantiate $pass (with "next" (func $second "f"))))
  (core func $first' (canon lower (func $first "f")))
  (core func $leaf' (canon lower (func $leaf "f")))
  (core module $m
    (import "" "first" (func $first (result i32)))
    (import "" "leaf" (func $leaf (result i32)))
    (import "" "table" (table 2 funcref))
    (import "" "which" (global $which (mut i32)))
    (elem (i32.const 0) func $leaf $first)
    (func (export "go") (param i32) (result i32)
      (global.set $which (local.get 0)) (call $first)))
  (core instance $i (instantiate $m (with "" (instance
    (export "first" (func $first')) (export "leaf" (func $leaf'))
    (export "table" (table $slot "table")) (export "which" (global $slot "which"))))))
  (func (export "go") (param "which" u32) (result u32) (canon lift (core func $i "go")))
  (export "first" (func $first "f")))
(component instance $d $Donut)
(assert_return (invoke $d "go" (u32.const 0)) (u32.const 102))
(assert_return (invoke $d "first") (u32.const 102))
(assert_return (invoke $d "go" (u32.const 0)) (u32.const 102))
(assert_trap (invoke $d "go" (u32.const 1)) "cannot enter component instance")

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

;; Start functions of core modules run when their module is instantiated, in the order of the
;; component, each instance anew.

(component
  (core module $log
    (global $log (mut i32) (i32.const 0))
    (func (export "note") (param i32)
      (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 10)) (local.get 0))))
    (func (export "log") (result i32) (global.get $log)))
  (core instance $log (instantiate $log))
  (core module $a (import "" "note" (func $note (param i32)))
    (func $start (call $note (i32.const 1))) (start $start))
  (core module $b (import "" "note" (func $note (param i32)))
    (func $start (call $note (i32.const 2))) (start $start))
  (core instance (instantiate $a (with "" (instance $log))))
  (core instance (instantiate $b (with "" (instance $log))))
  (core instance (instantiate $a (with "" (instance $log))))
  (func (export "log") (result u32) (canon lift (core func $log "log"))))
(assert_return (invoke "log") (u32.const 121))

;; They may call what was lowered, another instance's function, and make handles.
(component
  (component $counter
    (core module $m
      (global $n (mut i32) (i32.const 0))
      (func (export "more") (global.set $n (i32.add (global.get $n) (i32.const 1))))
      (func (export "n") (result i32) (global.get $n)))
    (core instance $i (instantiate $m))
    (func (export "more") (canon lift (core func $i "more")))
    (func (export "n") (result u32) (canon lift (core func $i "n"))))
  (component $starter
    (import "more" (func $more))
    (core func $more' (canon lower (func $more)))
    (type $r (resource (rep i32)))
    (core func $new (canon resource.new $r))
    (core func $rep (canon resource.rep $r))
    (core module $m
      (import "" "more" (func $more)) (import "" "new" (func $new (param i32) (result i32)))
      (func $start (call $more) (call $more) (drop (call $new (i32.const 42)))) (start $start))
    (core instance (instantiate $m (with "" (instance
      (export "more" (func $more')) (export "new" (func $new))))))
    (func (export "rep") (param "h" u32) (result u32) (canon lift (core func $rep))))
  (instance $c (instantiate $counter))
  (instance $s (instantiate $starter (with "more" (func $c "more"))))
  (instance (instantiate $starter (with "more" (func $c "more"))))
  (export "n" (func $c "n"))
  (export "rep" (func $s "rep")))
(assert_return (invoke "n") (u32.const 4))
(assert_return (invoke "rep" (u32.const 1)) (u32.const 42))

;; A trap in one ends the component.
(assert_trap
  (component (core module $m (func $f unreachable) (start $f)) (core instance (instantiate $m)))
  "unreachable")
(assert_trap
  (component
    (core module $m (memory 1) (data (i32.const 65536) "x"))
    (core instance (instantiate $m)))
  "out of bounds")
(assert_trap
  (component
    (core module $m (table 1 funcref) (func $f) (elem (i32.const 1) $f))
    (core instance (instantiate $m)))
  "out of bounds")
(assert_trap
  (component
    (component $child
      (core module $m (func $f (drop (i32.div_u (i32.const 1) (i32.const 0)))) (start $f))
      (core instance (instantiate $m)))
    (component $parent
      (alias outer 1 $child (component $child))
      (instance (instantiate $child)))
    (instance (instantiate $parent)))
  "divi")

;; A start function takes and returns nothing.
(assert_invalid
  (component (core module (func $f (param i32)) (start $f)))
  "invalid start function type")

;; Destructors run in the instance that defines the type, when the last handle is dropped, wherever
;; it is; they may drop further resources; a resource without one just goes.

(component definition $Chain
  ;; Every node owns the next one, of which its representation is the handle.
  (core module $log
    (global $log (mut i32) (i32.const 0))
    (func (export "note") (param i32)
      (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 10)) (local.get 0))))
    (func (export "log") (result i32) (global.get $log)))
  (core instance $log (instantiate $log))
  (core module $table
    (table (export "table") 1 funcref)
    (type $f (func (param i32)))
    (func (export "end") (param i32) (call_indirect (type $f) (local.get 0) (i32.const 0))))
  (core instance $table (instantiate $table))
  (type $node (resource (rep i32) (dtor (core func $table "end"))))
  (core func $new (canon resource.new $node))
  (core func $drop (canon resource.drop $node))
  (core module $m
    (import "" "note" (func $note (param i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "table" (table 1 funcref))
    (elem (i32.const 0) func $end)
    (func $end (param i32)
      (call $note (i32.const 1))
      (if (i32.eq (local.get 0) (i32.const 99)) (then unreachable))
      (if (local.get 0) (then (call $drop (local.get 0))))
      (call $note (i32.const 2))))
  (core instance $m (instantiate $m (with "" (instance
    (export "note" (func $log "note")) (export "drop" (func $drop))
    (export "table" (table $table "table"))))))
  (func (export "new") (param "next" u32) (result u32) (canon lift (core func $new)))
  (func (export "drop") (param "h" u32) (canon lift (core func $drop)))
  (func (export "log") (result u32) (canon lift (core func $log "log"))))

(component instance $c $Chain)
(assert_return (invoke $c "new" (u32.const 0)) (u32.const 1))
(assert_return (invoke $c "new" (u32.const 1)) (u32.const 2))
(assert_return (invoke $c "new" (u32.const 2)) (u32.const 3))
(invoke $c "drop" (u32.const 3))
(assert_return (invoke $c "log") (u32.const 111222))
(assert_return (invoke $c "new" (u32.const 0)) (u32.const 1))
;; A node that owns itself: it is gone when its destructor looks.
(component instance $c $Chain)
(assert_return (invoke $c "new" (u32.const 1)) (u32.const 1))
(assert_trap (invoke $c "drop" (u32.const 1)) "unknown handle index 1")
(component instance $c $Chain)
(assert_return (invoke $c "new" (u32.const 99)) (u32.const 1))
(assert_trap (invoke $c "drop" (u32.const 1)) "unreachable")

;; Dropped by a sibling, and by a sibling that got it from another.
(component definition $Elsewhere
  (component $maker
    (core module $m
      (global $n (mut i32) (i32.const 0))
      (func (export "end") (param i32) (global.set $n (i32.add (global.get $n) (local.get 0))))
      (func (export "n") (result i32) (global.get $n)))
    (core instance $i (instantiate $m))
    (type $r' (resource (rep i32) (dtor (core func $i "end"))))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r'))
    (func (export "make") (param "rep" u32) (result (own $r)) (canon lift (core func $new)))
    (func (export "ended") (result u32) (canon lift (core func $i "n"))))
  (component $last
    (import "r" (type $r (sub resource)))
    (core func $drop (canon resource.drop $r))
    (func (export "drop") (param "x" (own $r)) (canon lift (core func $drop))))
  (component $first
    (import "r" (type $r (sub resource)))
    (import "make" (func $make (param "rep" u32) (result (own $r))))
    (import "hand-on" (func $hand-on (param "x" (own $r))))
    (core func $make' (canon lower (func $make)))
    (core func $hand-on' (canon lower (func $hand-on)))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "hand-on" (func $hand-on (param i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run") (param i32)
        (call $drop (call $make (local.get 0)))
        (call $hand-on (call $make (i32.mul (local.get 0) (i32.const 10))))))
    (core instance $i (instantiate $m (with "" (instance
      (export "make" (func $make')) (export "hand-on" (func $hand-on')) (export "drop" (func $drop))))))
    (func (export "run") (param "n" u32) (canon lift (core func $i "run"))))
  (instance $maker (instantiate $maker))
  (alias export $maker "r" (type $r))
  (instance $last (instantiate $last (with "r" (type $r))))
  (instance $first (instantiate $first
    (with "r" (type $r)) (with "make" (func $maker "make")) (with "hand-on" (func $last "drop"))))
  (export "run" (func $first "run"))
  (export "ended" (func $maker "ended")))
(component instance $e $Elsewhere)
(invoke $e "run" (u32.const 3))
(assert_return (invoke $e "ended") (u32.const 33))
(invoke $e "run" (u32.const 4))
(assert_return (invoke $e "ended") (u32.const 77))

;; Two instances of one component have a type each, and a destructor each.
(component
  (component $maker
    (core module $m
      (global $n (mut i32) (i32.const 0))
      (func (export "end") (param i32) (global.set $n (i32.add (global.get $n) (i32.const 1))))
      (func (export "n") (result i32) (global.get $n)))
    (core instance $i (instantiate $m))
    (type $r' (resource (rep i32) (dtor (core func $i "end"))))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r'))
    (core module $zero (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 0))))
    (core instance $z (instantiate $zero (with "" (instance (export "new" (func $new))))))
    (func (export "make") (result (own $r)) (canon lift (core func $z "make")))
    (func (export "ended") (result u32) (canon lift (core func $i "n"))))
  (component $user
    (import "a" (instance $a (export "r" (type $r (sub resource))) (export "make" (func (result (own $r))))))
    (alias export $a "r" (type $r))
    (core func $make (canon lower (func $a "make")))
    (core func $drop (canon resource.drop $r))
    (core module $m (import "" "make" (func $make (result i32))) (import "" "drop" (func $drop (param i32)))
      (func (export "run") (call $drop (call $make))))
    (core instance $i (instantiate $m (with "" (instance
      (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "run") (canon lift (core func $i "run"))))
  (instance $a (instantiate $maker))
  (instance $b (instantiate $maker))
  (instance $ua (instantiate $user (with "a" (instance $a))))
  (instance $ub (instantiate $user (with "a" (instance $b))))
  (export "run-a" (func $ua "run")) (export "run-b" (func $ub "run"))
  (export "ended-a" (func $a "ended")) (export "ended-b" (func $b "ended")))
(invoke "run-a")
(invoke "run-a")
(invoke "run-b")
(assert_return (invoke "ended-a") (u32.const 2))
(assert_return (invoke "ended-b") (u32.const 1))

;; A destructor takes the representation and returns nothing.
(assert_invalid
  (component (core module $m (func (export "d"))) (core instance $i (instantiate $m))
    (type (resource (rep i32) (dtor (core func $i "d")))))
  "wrong signature for a destructor")
(assert_invalid
  (component (core module $m (func (export "d") (param i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type (resource (rep i32) (dtor (core func $i "d")))))
  "wrong signature for a destructor")
(assert_invalid
  (component (core module $m (func (export "d") (param i64))) (core instance $i (instantiate $m))
    (type (resource (rep i32) (dtor (core func $i "d")))))
  "wrong signature for a destructor")
(assert_invalid (component (type (resource (rep f32)))) "resources can only be represented by `i32`")

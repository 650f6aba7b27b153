;; A destructor is a call into the instance that defines the type: nobody else may drop the last
;; handle while that instance is in a call, whether the type has a destructor or not.

(component definition $Ending
  (core module $slot
    (table (export "table") 1 funcref) (type $f (func))
    (func (export "back") (call_indirect (type $f) (i32.const 0))))
  (core instance $slot (instantiate $slot))
  (func $back (canon lift (core func $slot "back")))
  (component $maker
    (import "back" (func $back))
    (core module $ends (func (export "end") (param i32)))
    (core instance $ends (instantiate $ends))
    (type $r' (resource (rep i32) (dtor (core func $ends "end"))))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r'))
    (core func $back' (canon lower (func $back)))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32))) (import "" "back" (func $back))
      (func (export "make") (result i32) (call $new (i32.const 3)))
      (func (export "go") (call $back)))
    (core instance $m (instantiate $m (with "" (instance
      (export "new" (func $new)) (export "back" (func $back'))))))
    (func (export "make") (result (own $r)) (canon lift (core func $m "make")))
    (func (export "go") (canon lift (core func $m "go"))))
  (component $holder
    (import "maker" (instance $maker
      (export "r" (type $r (sub resource))) (export "make" (func (result (own $r))))))
    (alias export $maker "r" (type $r))
    (core func $make (canon lower (func $maker "make")))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "make" (func $make (result i32))) (import "" "drop" (func $drop (param i32)))
      (global $held (mut i32) (i32.const 0))
      (func (export "hold") (global.set $held (call $make)))
      (func (export "let-go") (call $drop (global.get $held))))
    (core instance $m (instantiate $m (with "" (instance
      (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "hold") (canon lift (core func $m "hold")))
    (func (export "let-go") (canon lift (core func $m "let-go"))))
  (instance $maker (instantiate $maker (with "back" (func $back))))
  (instance $holder (instantiate $holder (with "maker" (instance $maker))))
  (core func $let-go (canon lower (func $holder "let-go")))
  (core module $fill
    (import "" "let-go" (func $let-go)) (import "" "table" (table 1 funcref))
    (elem (i32.const 0) func $let-go))
  (core instance (instantiate $fill (with "" (instance
    (export "let-go" (func $let-go)) (export "table" (table $slot "table"))))))
  (export "hold" (func $holder "hold"))
  (export "let-go" (func $holder "let-go"))
  (export "go" (func $maker "go")))
(component instance $i $Ending)
(invoke $i "hold")
(invoke $i "let-go")
(invoke $i "hold")
(assert_trap (invoke $i "go") "cannot enter component instance")

(component definition $Plain
  (core module $slot
    (table (export "table") 1 funcref) (type $f (func))
    (func (export "back") (call_indirect (type $f) (i32.const 0))))
  (core instance $slot (instantiate $slot))
  (func $back (canon lift (core func $slot "back")))
  (component $maker
    (import "back" (func $back))
    (type $r' (resource (rep i32) ))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r'))
    (core func $back' (canon lower (func $back)))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32))) (import "" "back" (func $back))
      (func (export "make") (result i32) (call $new (i32.const 3)))
      (func (export "go") (call $back)))
    (core instance $m (instantiate $m (with "" (instance
      (export "new" (func $new)) (export "back" (func $back'))))))
    (func (export "make") (result (own $r)) (canon lift (core func $m "make")))
    (func (export "go") (canon lift (core func $m "go"))))
  (component $holder
    (import "maker" (instance $maker
      (export "r" (type $r (sub resource))) (export "make" (func (result (own $r))))))
    (alias export $maker "r" (type $r))
    (core func $make (canon lower (func $maker "make")))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "make" (func $make (result i32))) (import "" "drop" (func $drop (param i32)))
      (global $held (mut i32) (i32.const 0))
      (func (export "hold") (global.set $held (call $make)))
      (func (export "let-go") (call $drop (global.get $held))))
    (core instance $m (instantiate $m (with "" (instance
      (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "hold") (canon lift (core func $m "hold")))
    (func (export "let-go") (canon lift (core func $m "let-go"))))
  (instance $maker (instantiate $maker (with "back" (func $back))))
  (instance $holder (instantiate $holder (with "maker" (instance $maker))))
  (core func $let-go (canon lower (func $holder "let-go")))
  (core module $fill
    (import "" "let-go" (func $let-go)) (import "" "table" (table 1 funcref))
    (elem (i32.const 0) func $let-go))
  (core instance (instantiate $fill (with "" (instance
    (export "let-go" (func $let-go)) (export "table" (table $slot "table"))))))
  (export "hold" (func $holder "hold"))
  (export "let-go" (func $holder "let-go"))
  (export "go" (func $maker "go")))
(component instance $i $Plain)
(invoke $i "hold")
(invoke $i "let-go")
(invoke $i "hold")
(assert_trap (invoke $i "go") "cannot enter component instance")

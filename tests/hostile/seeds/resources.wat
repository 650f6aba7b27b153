;; A resource that is exported, with constructor, method, function and destructor.
(component
  (core module $d
    (global (export "ended") (mut i32) (i32.const 0))
    (func (export "end") (param i32) (global.set 0 (local.get 0))))
  (core instance $d (instantiate $d))
  (type $thing' (resource (rep i32) (dtor (core func $d "end"))))
  (export $thing "thing" (type $thing'))
  (core func $new (canon resource.new $thing'))
  (core func $rep (canon resource.rep $thing'))
  (core func $drop (canon resource.drop $thing'))
  (core module $m
    (import "r" "new" (func $new (param i32) (result i32)))
    (import "r" "rep" (func $rep (param i32) (result i32)))
    (import "r" "drop" (func $drop (param i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "read") (param i32) (result i32) (local.get 0))
    (func (export "eat") (param i32) (result i32)
      (call $rep (local.get 0)) (call $drop (local.get 0))))
  (core instance $i (instantiate $m (with "r" (instance
    (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
  (func $make (param "n" u32) (result (own $thing)) (canon lift (core func $i "make")))
  (export "[constructor]thing" (func $make))
  (func $read (param "self" (borrow $thing)) (result u32) (canon lift (core func $i "read")))
  (export "[method]thing.read" (func $read))
  (func (export "eat") (param "t" (own $thing)) (result u32)
    (canon lift (core func $i "eat"))))

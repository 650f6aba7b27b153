;; A borrow in an instance that does not implement the type: a handle of the call, which cannot be
;; given away, can be lent on and must be dropped before the call returns.

(component definition $Borrowing
  (component $maker
    (core module $m (func (export "look") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m))
    (type $thing' (resource (rep i32)))
    (export $thing "thing" (type $thing'))
    (core func $new (canon resource.new $thing'))
    (func (export "make") (param "rep" u32) (result (own $thing)) (canon lift (core func $new)))
    (func (export "look") (param "t" (borrow $thing)) (result u32) (canon lift (core func $i "look")))
    (func (export "take") (param "t" (own $thing)) (result u32) (canon lift (core func $i "look"))))
  (component $borrower
    (import "maker" (instance $maker
      (export "thing" (type $thing (sub resource)))
      (export "look" (func (param "t" (borrow $thing)) (result u32)))
      (export "take" (func (param "t" (own $thing)) (result u32)))))
    (alias export $maker "thing" (type $thing))
    (core func $look (canon lower (func $maker "look")))
    (core func $take (canon lower (func $maker "take")))
    (core func $drop (canon resource.drop $thing))
    (core module $m
      (import "" "look" (func $look (param i32) (result i32)))
      (import "" "take" (func $take (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (global $last (mut i32) (i32.const 0))
      (func (export "use") (param i32 i32) (result i32) (local $seen i32)
        (global.set $last (local.get 0))
        (local.set $seen (i32.add (i32.mul (local.get 0) (i32.const 1000)) (call $look (local.get 0))))
        (if (i32.eq (local.get 1) (i32.const 1)) (then (return (local.get $seen))))      ;; keeps it
        (if (i32.eq (local.get 1) (i32.const 2)) (then (drop (call $take (local.get 0))))) ;; gives it away
        (call $drop (local.get 0))
        (if (i32.eq (local.get 1) (i32.const 3)) (then (call $drop (local.get 0))))      ;; drops twice
        (if (i32.eq (local.get 1) (i32.const 4)) (then (drop (call $look (local.get 0))))) ;; uses it after
        (local.get $seen))
      (func (export "two") (param i32 i32 i32) (result i32)
        (call $drop (local.get 0))
        (if (local.get 2) (then (call $drop (local.get 1))))
        (i32.add (i32.mul (local.get 0) (i32.const 10)) (local.get 1)))
      (func (export "give-back") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m (with "" (instance
      (export "look" (func $look)) (export "take" (func $take)) (export "drop" (func $drop))))))
    (func (export "use") (param "t" (borrow $thing)) (param "how" u32) (result u32)
      (canon lift (core func $i "use")))
    (func (export "two") (param "a" (borrow $thing)) (param "b" (borrow $thing)) (param "drop" bool)
      (result u32) (canon lift (core func $i "two")))
    (func (export "give-back") (param "t" (borrow $thing)) (result (own $thing))
      (canon lift (core func $i "give-back"))))
  (component $owner
    (import "maker" (instance $maker
      (export "thing" (type $thing (sub resource)))
      (export "make" (func (param "rep" u32) (result (own $thing))))
      (export "look" (func (param "t" (borrow $thing)) (result u32)))))
    (alias export $maker "thing" (type $thing))
    (import "borrower" (instance $borrower
      (export "use" (func (param "t" (borrow $thing)) (param "how" u32) (result u32)))
      (export "two" (func (param "a" (borrow $thing)) (param "b" (borrow $thing))
        (param "drop" bool) (result u32)))
      (export "give-back" (func (param "t" (borrow $thing)) (result (own $thing))))))
    (core func $make (canon lower (func $maker "make")))
    (core func $look (canon lower (func $maker "look")))
    (core func $use (canon lower (func $borrower "use")))
    (core func $two (canon lower (func $borrower "two")))
    (core func $give-back (canon lower (func $borrower "give-back")))
    (func (export "make") (param "rep" u32) (result u32) (canon lift (core func $make)))
    (func (export "look") (param "h" u32) (result u32) (canon lift (core func $look)))
    (func (export "use") (param "h" u32) (param "how" u32) (result u32) (canon lift (core func $use)))
    (func (export "two") (param "a" u32) (param "b" u32) (param "drop" u32) (result u32)
      (canon lift (core func $two)))
    (func (export "give-back") (param "h" u32) (result u32) (canon lift (core func $give-back))))
  (instance $maker (instantiate $maker))
  (instance $borrower (instantiate $borrower (with "maker" (instance $maker))))
  (instance $o (instantiate $owner
    (with "maker" (instance $maker)) (with "borrower" (instance $borrower))))
  (export "make" (func $o "make")) (export "look" (func $o "look")) (export "use" (func $o "use"))
  (export "two" (func $o "two")) (export "give-back" (func $o "give-back")))

;; The borrower sees an index of its own table, new for each call.
(component instance $o $Borrowing)
(assert_return (invoke $o "make" (u32.const 7)) (u32.const 1))
(assert_return (invoke $o "make" (u32.const 8)) (u32.const 2))
(assert_return (invoke $o "use" (u32.const 2) (u32.const 0)) (u32.const 1008))
(assert_return (invoke $o "use" (u32.const 1) (u32.const 0)) (u32.const 1007))
(assert_return (invoke $o "two" (u32.const 1) (u32.const 2) (u32.const 1)) (u32.const 12))
;; The same one lent twice is two borrows.
(assert_return (invoke $o "two" (u32.const 2) (u32.const 2) (u32.const 1)) (u32.const 21))
(assert_return (invoke $o "look" (u32.const 2)) (u32.const 8))

(component instance $o $Borrowing)
(assert_return (invoke $o "make" (u32.const 7)) (u32.const 1))
(assert_trap (invoke $o "use" (u32.const 1) (u32.const 1)) "returned without dropping 1 borrowed handles")
(component instance $o $Borrowing)
(assert_return (invoke $o "make" (u32.const 7)) (u32.const 1))
(assert_trap (invoke $o "two" (u32.const 1) (u32.const 1) (u32.const 0)) "returned without dropping 1 borrowed handles")
(component instance $o $Borrowing)
(assert_return (invoke $o "make" (u32.const 7)) (u32.const 1))
(assert_trap (invoke $o "use" (u32.const 1) (u32.const 2)) "is borrowed and cannot be given away")
(component instance $o $Borrowing)
(assert_return (invoke $o "make" (u32.const 7)) (u32.const 1))
(assert_trap (invoke $o "give-back" (u32.const 1)) "is borrowed and cannot be given away")
(component instance $o $Borrowing)
(assert_return (invoke $o "make" (u32.const 7)) (u32.const 1))
(assert_trap (invoke $o "use" (u32.const 1) (u32.const 3)) "unknown handle index 1")
(component instance $o $Borrowing)
(assert_return (invoke $o "make" (u32.const 7)) (u32.const 1))
(assert_trap (invoke $o "use" (u32.const 1) (u32.const 4)) "unknown handle index 1")

;; A borrow is never a result, not even inside of another type.
(assert_invalid
  (component (import "r" (type $r (sub resource))) (import "f" (func (result (borrow $r)))))
  "function result cannot contain a `borrow` type")
(assert_invalid
  (component (import "r" (type $r (sub resource)))
    (import "f" (func (result (list (option (borrow $r)))))))
  "function result cannot contain a `borrow` type")
(assert_invalid
  (component (import "r" (type $r (sub resource)))
    (import "f" (func (result (list (borrow $r) 2)))))
  "function result cannot contain a `borrow` type")

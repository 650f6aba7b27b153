;; Components as composition makes them: one component's exports are another's imports, and the
;; whole has the exports of its parts, unchanged or wrapped.

(component
  (component $words
    (core module $m
      (memory (export "memory") 1)
      (data (i32.const 16) "zero") (data (i32.const 20) "one") (data (i32.const 23) "many")
      (func (export "name") (param i32) (result i32)
        (i32.store (i32.const 64) (i32.const 23)) (i32.store (i32.const 68) (i32.const 4))
        (if (i32.eqz (local.get 0)) (then (i32.store (i32.const 64) (i32.const 16))))
        (if (i32.eq (local.get 0) (i32.const 1)) (then
          (i32.store (i32.const 64) (i32.const 20)) (i32.store (i32.const 68) (i32.const 3))))
        (i32.const 64)))
    (core instance $i (instantiate $m))
    (func $name (param "n" u32) (result string)
      (canon lift (core func $i "name") (memory (core memory $i "memory"))))
    (instance $words (export "name" (func $name)))
    (export "our:words/names@0.1.0" (instance $words)))
  ;; Keeps its strings in UTF-16.
  (component $user
    (import "our:words/names@0.1.0" (instance $names
      (export "name" (func (param "n" u32) (result string)))))
    (core module $memory
      (memory (export "memory") 1)
      (global $next (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (memory.copy (local.get $at) (local.get 0)
          (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))
        (local.get $at)))
    (core instance $memory (instantiate $memory))
    (core func $name (canon lower (func $names "name") string-encoding=utf16
      (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
    (core module $m
      (import "" "name" (func $name (param i32 i32)))
      (import "" "memory" (memory 1))
      ;; The name's first letter made a capital.
      (func (export "title") (param i32) (result i32)
        (call $name (local.get 0) (i32.const 64))
        (i32.store16 (i32.load (i32.const 64))
          (i32.sub (i32.load16_u (i32.load (i32.const 64))) (i32.const 32)))
        (i32.const 64)))
    (core instance $i (instantiate $m (with "" (instance
      (export "name" (func $name)) (export "memory" (memory $memory "memory"))))))
    (func $title (param "n" u32) (result string)
      (canon lift (core func $i "title") string-encoding=utf16 (memory (core memory $memory "memory"))))
    (export "title" (func $title)))
  (instance $words (instantiate $words))
  (alias export $words "our:words/names@0.1.0" (instance $names))
  (instance $user (instantiate $user (with "our:words/names@0.1.0" (instance $names))))
  (export "title" (func $user "title"))
  (export "name" (func $names "name"))
  (export "our:words/names@0.1.0" (instance $names)))
(assert_return (invoke "title" (u32.const 0)) (str.const "Zero"))
(assert_return (invoke "title" (u32.const 1)) (str.const "One"))
(assert_return (invoke "title" (u32.const 9)) (str.const "Many"))
(assert_return (invoke "name" (u32.const 1)) (str.const "one"))

;; Dynamic linking within a component: two modules share a memory, a table and a stack pointer.
(component
  (core module $base
    (memory (export "memory") 1) (table (export "table") 2 funcref)
    (global (export "sp") (mut i32) (i32.const 4096)))
  (core instance $base (instantiate $base))
  (core module $side
    (import "" "memory" (memory 1)) (import "" "table" (table 2 funcref))
    (import "" "sp" (global $sp (mut i32)))
    (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
    (func $push (param i32) (result i32)
      (global.set $sp (i32.sub (global.get $sp) (i32.const 4)))
      (i32.store (global.get $sp) (local.get 0)) (global.get $sp))
    (elem (i32.const 0) func $square $push))
  (core instance (instantiate $side (with "" (instance $base))))
  (core module $main
    (import "" "memory" (memory 1)) (import "" "table" (table 2 funcref))
    (import "" "sp" (global $sp (mut i32)))
    (type $f (func (param i32) (result i32)))
    (func (export "run") (param i32) (result i32)
      (drop (call_indirect (type $f)
        (call_indirect (type $f) (local.get 0) (i32.const 0)) (i32.const 1)))
      (i32.add (i32.load (global.get $sp)) (i32.mul (global.get $sp) (i32.const 1000)))))
  (core instance $main (instantiate $main (with "" (instance $base))))
  (func (export "run") (param "n" u32) (result u32) (canon lift (core func $main "run"))))
(assert_return (invoke "run" (u32.const 5)) (u32.const 4092025))
(assert_return (invoke "run" (u32.const 6)) (u32.const 4088036))

;; One module, many instances: each has its own state.
(component
  (core module $m
    (global $n (mut i32) (i32.const 0))
    (func (export "next") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
  (core instance $a (instantiate $m))
  (core instance $b (instantiate $m))
  (func (export "a") (result u32) (canon lift (core func $a "next")))
  (func (export "b") (result u32) (canon lift (core func $b "next"))))
(assert_return (invoke "a") (u32.const 1))
(assert_return (invoke "a") (u32.const 2))
(assert_return (invoke "b") (u32.const 1))

;; The same exported function lowered with two sets of options.
(component
  (component $echo
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 256))
      (func (export "sum") (param i32 i32) (result i32) (local $sum i32)
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get 1)))
          (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
          (local.set $sum (i32.add (local.get $sum)
            (i32.load8_u (i32.add (local.get 0) (local.get 1)))))
          (br $next)))
        (local.get $sum)))
    (core instance $i (instantiate $m))
    (func (export "sum") (param "s" string) (result u32)
      (canon lift (core func $i "sum") (memory (core memory $i "memory"))
        (realloc (core func $i "realloc")))))
  (component $user
    (import "sum" (func $sum (param "s" string) (result u32)))
    (core module $one (memory (export "memory") 1) (data (i32.const 0) "\01\02\03"))
    (core module $two (memory (export "memory") 1) (data (i32.const 0) "\04\00\05\00\06\00"))
    (core instance $one (instantiate $one))
    (core instance $two (instantiate $two))
    (core func $sum8 (canon lower (func $sum) (memory (core memory $one "memory"))))
    (core func $sum16 (canon lower (func $sum) (memory (core memory $two "memory"))
      string-encoding=utf16))
    (core func $sum-either (canon lower (func $sum) (memory (core memory $two "memory"))
      string-encoding=latin1+utf16))
    (core module $m
      (import "" "8" (func $8 (param i32 i32) (result i32)))
      (import "" "16" (func $16 (param i32 i32) (result i32)))
      (import "" "either" (func $either (param i32 i32) (result i32)))
      (func (export "run") (result i32)
        (i32.add (i32.mul (i32.const 1000000) (call $8 (i32.const 0) (i32.const 3)))
          (i32.add (i32.mul (i32.const 10000) (call $16 (i32.const 0) (i32.const 3)))
            (i32.add (i32.mul (i32.const 100) (call $either (i32.const 0) (i32.const 3)))
              (call $either (i32.const 0) (i32.const 0x80000003)))))))
    (core instance $i (instantiate $m (with "" (instance
      (export "8" (func $sum8)) (export "16" (func $sum16)) (export "either" (func $sum-either))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $echo (instantiate $echo))
  (instance $user (instantiate $user (with "sum" (func $echo "sum"))))
  (export "run" (func $user "run")))
(assert_return (invoke "run") (u32.const 6150915))

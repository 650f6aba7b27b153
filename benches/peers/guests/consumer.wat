;; Calls each function of `api` in a loop. Memory: result area, what is sent, then what
;; `cabi_realloc` hands out, which is taken back before each call.
(module
  (import "atoll:peers/api" "number" (func $number (param i32) (result i32)))
  (import "atoll:peers/api" "bytes" (func $bytes (param i32 i32 i32)))
  (import "atoll:peers/api" "fields"
    (func $fields (param i32 i32 i32 i64 i32 f32 f64 i32 i32 i32 i32)))
  (import "atoll:peers/api" "items" (func $items (param i32 i32 i32)))
  (import "atoll:peers/api" "text" (func $text (param i32 i32 i32)))
  (import "atoll:peers/api" "[constructor]counter" (func $counter (param i32) (result i32)))
  (import "atoll:peers/api" "[method]counter.add" (func $add (param i32 i32) (result i32)))
  (import "atoll:peers/api" "[resource-drop]counter" (func $drop (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "Gr\c3\bc\c3\9fe von der anderen Seite!")
  (global $next (mut i32) (i32.const 16384))

  (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32)
    (result i32)
    (local $at i32)
    (local.set $at
      (i32.and
        (i32.sub (i32.add (global.get $next) (local.get $align)) (i32.const 1))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  (func (export "atoll:peers/drive#number") (param $rounds i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (call $number (local.get $sum)))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (local.get $sum))

  (func (export "atoll:peers/drive#bytes") (param $rounds i32) (param $size i32) (result i32)
    (local $sum i32)
    (loop $again
      (global.set $next (i32.const 16384))
      (call $bytes (i32.const 4096) (local.get $size) (i32.const 16))
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 20))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (local.get $sum))

  (func (export "atoll:peers/drive#fields") (param $rounds i32) (result i32)
    (local $sum i32)
    (loop $again
      (call $fields
        (i32.const 200) (i32.const 60000) (i32.const 3) (i64.const 4) (i32.const -5)
        (f32.const 6.5) (f64.const 7.25) (i32.const 1) (i32.const 0x1F980) (i32.const 2)
        (i32.const 32))
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 72))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (local.get $sum))

  (func (export "atoll:peers/drive#items") (param $rounds i32) (result i32)
    (local $sum i32)
    (loop $again
      (global.set $next (i32.const 16384))
      (call $items (i32.const 4096) (i32.const 100) (i32.const 16))
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 20))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (local.get $sum))

  (func (export "atoll:peers/drive#text") (param $rounds i32) (result i32)
    (local $sum i32)
    (loop $again
      (global.set $next (i32.const 16384))
      (call $text (i32.const 1024) (i32.const 30) (i32.const 16))
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 20))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (local.get $sum))

  (func (export "atoll:peers/drive#method") (param $rounds i32) (result i32)
    (local $counter i32) (local $sum i32)
    (local.set $counter (call $counter (i32.const 0)))
    (loop $again
      (local.set $sum (call $add (local.get $counter) (i32.const 1)))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (call $drop (local.get $counter))
    (local.get $sum)))

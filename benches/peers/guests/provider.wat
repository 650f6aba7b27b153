;; Gives back what it is given. Memory: result area, counters, the sieve's flags, then what
;; `cabi_realloc` hands out, which is taken back after each call.
(module
  (import "[export]atoll:peers/api" "[resource-new]counter" (func $new (param i32) (result i32)))
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 16384))
  (global $counters (mut i32) (i32.const 1024))

  (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32)
    (result i32)
    (local $at i32)
    (local.set $at
      (i32.and
        (i32.sub (i32.add (global.get $next) (local.get $align)) (i32.const 1))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  (func $free (param i32) (global.set $next (i32.const 16384)))
  (export "cabi_post_atoll:peers/api#bytes" (func $free))
  (export "cabi_post_atoll:peers/api#items" (func $free))
  (export "cabi_post_atoll:peers/api#text" (func $free))

  (func (export "atoll:peers/api#number") (param i32) (result i32)
    (i32.add (local.get 0) (i32.const 1)))

  (func $same (param $at i32) (param $count i32) (result i32)
    (i32.store (i32.const 16) (local.get $at))
    (i32.store (i32.const 20) (local.get $count))
    (i32.const 16))
  (export "atoll:peers/api#bytes" (func $same))
  (export "atoll:peers/api#items" (func $same))
  (export "atoll:peers/api#text" (func $same))

  (func (export "atoll:peers/api#fields")
    (param i32 i32 i32 i64 i32 f32 f64 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 32) (local.get 0))
    (i32.store16 (i32.const 34) (local.get 1))
    (i32.store (i32.const 36) (local.get 2))
    (i64.store (i32.const 40) (local.get 3))
    (i32.store (i32.const 48) (local.get 4))
    (f32.store (i32.const 52) (local.get 5))
    (f64.store (i32.const 56) (local.get 6))
    (i32.store8 (i32.const 64) (local.get 7))
    (i32.store (i32.const 68) (local.get 8))
    (i32.store (i32.const 72) (local.get 9))
    (i32.const 32))

  (func (export "atoll:peers/api#[constructor]counter") (param $start i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $counters))
    (global.set $counters (i32.add (local.get $at) (i32.const 4)))
    (i32.store (local.get $at) (local.get $start))
    (call $new (local.get $at)))
  (func (export "atoll:peers/api#[method]counter.add") (param $at i32) (param $amount i32)
    (result i32)
    (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (local.get $amount)))
    (i32.load (local.get $at)))

  (func (export "atoll:peers/loops#integers") (param $rounds i32) (result i32)
    (local $x i32)
    (local.set $x (i32.const 2463534242))
    (loop $again
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
      (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 5))))
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (local.get $x))

  (func (export "atoll:peers/loops#memory") (param $rounds i32) (result i32)
    (local $i i32) (local $j i32) (local $primes i32)
    (loop $round
      (local.set $primes (i32.const 0))
      (memory.fill (i32.const 4096) (i32.const 0) (i32.const 8192))
      (local.set $i (i32.const 2))
      (loop $candidate
        (if (i32.eqz (i32.load8_u offset=4096 (local.get $i)))
          (then
            (local.set $primes (i32.add (local.get $primes) (i32.const 1)))
            (local.set $j (i32.add (local.get $i) (local.get $i)))
            (block $done
              (loop $multiple
                (br_if $done (i32.ge_u (local.get $j) (i32.const 8192)))
                (i32.store8 offset=4096 (local.get $j) (i32.const 1))
                (local.set $j (i32.add (local.get $j) (local.get $i)))
                (br $multiple)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $candidate (i32.lt_u (local.get $i) (i32.const 8192))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $round (local.get $rounds)))
    (local.get $primes))

  (func $fibonacci (export "atoll:peers/loops#calls") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else
        (i32.add
          (call $fibonacci (i32.sub (local.get $n) (i32.const 1)))
          (call $fibonacci (i32.sub (local.get $n) (i32.const 2))))))))

;; WASI's first preview by Atoll's interfaces, for modules that import it because their toolchain
;; always does. What is written to the standard streams becomes entries of the log; time is that
;; since boot; there are no arguments, no variables and no files. wit-component links it into a
;; component and leaves out what the module does not import, the imports here included.
;;
;; Numbers of errors and layouts are those of `wasi_snapshot_preview1.witx`.
(module
  (import "atoll:log/log@0.1.0" "write" (func $write (param i32 i32 i32)))
  (import "atoll:clocks/monotonic@0.1.0" "now" (func $now (result i64)))
  (import "atoll:clocks/monotonic@0.1.0" "subscribe-instant"
    (func $subscribe-instant (param i64) (result i32)))
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.12" "[resource-drop]pollable" (func $drop-pollable (param i32)))
  (import "wasi:random/random@0.2.12" "get-random-u64" (func $random (result i64)))
  ;; The module's own.
  (import "env" "memory" (memory 0))

  (global $badf i32 (i32.const 8))
  (global $notsup i32 (i32.const 58))
  (global $spipe i32 (i32.const 70))
  ;; Levels of the log.
  (global $warn i32 (i32.const 1))
  (global $info i32 (i32.const 2))
  ;; Sizes of a subscription of `poll_oneoff`, and its kinds.
  (global $subscription i32 (i32.const 48))
  (global $clock i32 (i32.const 0))

  ;; The clock: whether it is stopped, and what it showed last.
  (global $paused (mut i32) (i32.const 0))
  (global $time (mut i64) (i64.const 0))

  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "args_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (call $none (local.get $count) (local.get $bytes)))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (call $none (local.get $count) (local.get $bytes)))

  (func $none (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    (i32.const 0))

  ;; Go's bindings stop the clock while they make room for arguments: Go then looks at it, but
  ;; nothing may be called that is outside the component.
  (func (export "adapter_monotonic_clock_set_paused") (param $paused i32)
    (global.set $paused (local.get $paused)))

  ;; All clocks are the time since boot, in nanoseconds.
  (func (export "clock_time_get") (param $id i32) (param $precision i64) (param $time i32) (result i32)
    (if (i32.eqz (global.get $paused)) (then (global.set $time (call $now))))
    (i64.store (local.get $time) (global.get $time))
    (i32.const 0))
  (func (export "clock_res_get") (param $id i32) (param $resolution i32) (result i32)
    (i64.store (local.get $resolution) (i64.const 1))
    (i32.const 0))

  (func (export "random_get") (param $at i32) (param $length i32) (result i32)
    (local $bits i64)
    (block $eights-done
      (loop $eight
        (br_if $eights-done (i32.lt_u (local.get $length) (i32.const 8)))
        (i64.store (local.get $at) (call $random))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $length (i32.sub (local.get $length) (i32.const 8)))
        (br $eight)))
    (local.set $bits (call $random))
    (block $done
      (loop $byte
        (br_if $done (i32.eqz (local.get $length)))
        (i64.store8 (local.get $at) (local.get $bits))
        (local.set $bits (i64.shr_u (local.get $bits) (i64.const 8)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $byte)))
    (i32.const 0))

  ;; 0 to 2, the standard streams, are all files that there are.
  (func $is-stream (param $file i32) (result i32) (i32.lt_u (local.get $file) (i32.const 3)))
  (func $of-stream (param $file i32) (param $error i32) (result i32)
    (select (local.get $error) (global.get $badf) (call $is-stream (local.get $file))))

  (func (export "fd_close") (param $file i32) (result i32)
    (call $of-stream (local.get $file) (i32.const 0)))
  (func (export "fd_fdstat_set_flags") (param $file i32) (param $flags i32) (result i32)
    (call $of-stream (local.get $file) (i32.const 0)))
  (func (export "fd_seek") (param $file i32) (param $by i64) (param $from i32) (param $at i32) (result i32)
    (call $of-stream (local.get $file) (global.get $spipe)))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (global.get $badf))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (global.get $badf))

  (func (export "fd_fdstat_get") (param $file i32) (param $status i32) (result i32)
    (if (i32.eqz (call $is-stream (local.get $file))) (then (return (global.get $badf))))
    (memory.fill (local.get $status) (i32.const 0) (i32.const 24))
    ;; A character device, so that the C library writes whole lines, with the right to read (2)
    ;; and to write (64).
    (i32.store8 (local.get $status) (i32.const 2))
    (i64.store offset=8 (local.get $status) (i64.const 66))
    (i32.const 0))

  ;; Nothing ever comes in.
  (func (export "fd_read")
    (param $file i32) (param $parts i32) (param $count i32) (param $read i32) (result i32)
    (i32.store (local.get $read) (i32.const 0))
    (call $of-stream (local.get $file) (i32.const 0)))

  ;; Each part becomes entries of its own; standard error's are warnings.
  (func (export "fd_write")
    (param $file i32) (param $parts i32) (param $count i32) (param $written i32) (result i32)
    (local $bytes i32)
    (if (i32.eqz (call $is-stream (local.get $file))) (then (return (global.get $badf))))
    (block $done
      (loop $more
        (br_if $done (i32.eqz (local.get $count)))
        (call $entry
          (select (global.get $warn) (global.get $info) (i32.eq (local.get $file) (i32.const 2)))
          (i32.load (local.get $parts))
          (i32.load offset=4 (local.get $parts)))
        (local.set $bytes (i32.add (local.get $bytes) (i32.load offset=4 (local.get $parts))))
        (local.set $parts (i32.add (local.get $parts) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $more)))
    (i32.store (local.get $written) (local.get $bytes))
    (i32.const 0))

  ;; Without the end of its last line, and not at all if that is all.
  (func $entry (param $level i32) (param $text i32) (param $length i32)
    (if (i32.eqz (local.get $length)) (then (return)))
    (if (i32.eq
          (i32.load8_u
            (i32.sub (i32.add (local.get $text) (local.get $length)) (i32.const 1)))
          (i32.const 10))
      (then (local.set $length (i32.sub (local.get $length) (i32.const 1)))))
    (if (local.get $length)
      (then (call $write (local.get $level) (local.get $text) (local.get $length)))))

  ;; Waits until the earliest of the times that are subscribed to, and answers with that one.
  ;; Streams are never ready.
  (func (export "poll_oneoff")
    (param $subscriptions i32) (param $events i32) (param $count i32) (param $happened i32) (result i32)
    (local $when i64) (local $first i64) (local $which i32) (local $pollable i32)
    (local.set $first (i64.const -1))
    (loop $next
      (if (local.get $count)
        (then
          (local.set $when (call $time-of (local.get $subscriptions)))
          (if (i64.lt_u (local.get $when) (local.get $first))
            (then
              (local.set $first (local.get $when))
              (local.set $which (local.get $subscriptions))))
          (local.set $subscriptions (i32.add (local.get $subscriptions) (global.get $subscription)))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br $next))))
    ;; Without a time there is nothing to wait for.
    (if (i64.eq (local.get $first) (i64.const -1)) (then (return (global.get $notsup))))
    (local.set $pollable (call $subscribe-instant (local.get $first)))
    (call $block (local.get $pollable))
    (call $drop-pollable (local.get $pollable))
    (memory.fill (local.get $events) (i32.const 0) (i32.const 32))
    ;; The author's mark; error and kind are 0.
    (i64.store (local.get $events) (i64.load (local.get $which)))
    (i32.store (local.get $happened) (i32.const 1))
    (i32.const 0))

  ;; When a subscription comes to pass; never (-1) if it is not to a clock.
  (func $time-of (param $subscription i32) (result i64)
    (local $now i64) (local $when i64)
    (if (i32.ne (i32.load8_u offset=8 (local.get $subscription)) (global.get $clock))
      (then (return (i64.const -1))))
    (local.set $when (i64.load offset=24 (local.get $subscription)))
    ;; The flag says that the time is absolute.
    (if (i32.and (i32.load16_u offset=40 (local.get $subscription)) (i32.const 1))
      (then (return (local.get $when))))
    (local.set $now (call $now))
    (local.set $when (i64.add (local.get $now) (local.get $when)))
    ;; What is beyond all times is the last of them.
    (select (i64.const -2) (local.get $when) (i64.lt_u (local.get $when) (local.get $now))))

  (func (export "sched_yield") (result i32) (i32.const 0))
  ;; The server ends; the log says where.
  (func (export "proc_exit") (param $code i32) unreachable))

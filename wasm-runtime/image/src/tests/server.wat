;; A server for the image's tests: it adds numbers, asks for one timer when it starts and logs it.
(component
  (import "wasi:io/poll@0.2.12" (instance $poll (export "pollable" (type (sub resource)))))
  (alias export $poll "pollable" (type $pollable))
  (import "atoll:clocks/monotonic@0.1.0" (instance $clocks
    (alias outer 1 $pollable (type $theirs))
    (export "pollable" (type $own (eq $theirs)))
    (export "subscribe-duration" (func (param "after-ns" u64) (result (own $own))))))
  (import "atoll:io/watch@0.1.0" (instance $watch
    (alias outer 1 $pollable (type $theirs))
    (export "pollable" (type $own (eq $theirs)))
    (export "watch" (func (param "source" (borrow $own)) (param "token" u64)))))
  (import "atoll:log/log@0.1.0" (instance $log
    (type $enum (enum "error" "warn" "info" "debug" "trace"))
    (export "level" (type $level (eq $enum)))
    (export "write" (func (param "level" $level) (param "text" string)))))

  (core module $memory (memory (export "memory") 1) (data (i32.const 16) "tick"))
  (core instance $memory (instantiate $memory))
  (core func $write (canon lower (func $log "write") (memory (core memory $memory "memory"))))
  (core func $subscribe (canon lower (func $clocks "subscribe-duration")))
  (core func $watching (canon lower (func $watch "watch")))

  (core module $main
    (import "" "write" (func $write (param i32 i32 i32)))
    (import "" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "" "watch" (func $watch (param i32 i64)))
    (func (export "start") (result i32)
      (call $watch (call $subscribe (i64.const 1000)) (i64.const 42))
      (i32.const 32))
    (func (export "ready") (param $token i64)
      (if (i64.eq (local.get $token) (i64.const 42))
        (then (call $write (i32.const 2) (i32.const 16) (i32.const 4)))))
    (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1)))
    (func (export "die") unreachable))
  (core instance $main (instantiate $main (with "" (instance
    (export "write" (func $write))
    (export "subscribe" (func $subscribe))
    (export "watch" (func $watching))))))

  (func $start (result (result (error string)))
    (canon lift (core func $main "start") (memory (core memory $memory "memory"))))
  (instance $lifecycle (export "start" (func $start)))
  (export "atoll:lifecycle/start@0.1.0" (instance $lifecycle))
  (func $ready (param "token" u64) (canon lift (core func $main "ready")))
  (instance $handler (export "ready" (func $ready)))
  (export "atoll:io/handler@0.1.0" (instance $handler))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $main "add")))
  (func $die (canon lift (core func $main "die")))
  (instance $adder (export "add" (func $add)) (export "die" (func $die)))
  (export "test:adder/adder@1.0.0" (instance $adder)))

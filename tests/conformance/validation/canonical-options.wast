;; The options of canonical definitions: which are needed, which may not be there, and what the core
;; functions behind them look like.

;; In every combination that is right.
(component definition
  (import "f" (func $f (param "s" string) (result string)))
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "text") (param i32 i32) (result i32) unreachable)
    (func (export "post") (param i32)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (core func (canon lower (func $f) (memory $memory) (realloc $realloc)))
  (core func (canon lower (func $f) string-encoding=utf8 (memory $memory) (realloc $realloc)))
  (core func (canon lower (func $f) (realloc $realloc) (memory $memory) string-encoding=utf16))
  (core func (canon lower (func $f) (memory $memory) string-encoding=latin1+utf16 (realloc $realloc)))
  (func (param "s" string) (result string)
    (canon lift (core func $i "text") (memory $memory) (realloc $realloc)))
  (func (param "s" string) (result string)
    (canon lift (core func $i "text") (post-return (core func $i "post")) (realloc $realloc)
      string-encoding=utf16 (memory $memory))))
;; Flat values need none, and may have some.
(component definition
  (import "f" (func $f (param "x" u8) (result u64)))
  (core module $m (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (core func (canon lower (func $f)))
  (core func (canon lower (func $f) string-encoding=utf16))
  (core func (canon lower (func $f) (memory (core memory $i "memory"))))
  (core func (canon lower (func $f) (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))

;; What is missing.
(assert_invalid
  (component (import "f" (func $f (param "s" string))) (core func (canon lower (func $f))))
  "canonical option `memory` is required")
(assert_invalid
  (component (import "f" (func $f (param "l" (list u8)))) (core func (canon lower (func $f))))
  "canonical option `memory` is required")
(assert_invalid
  (component (import "f" (func $f (param "l" (map u8 u8)))) (core func (canon lower (func $f))))
  "canonical option `memory` is required")
(assert_invalid
  (component (import "f" (func $f (result (tuple u8 u8)))) (core func (canon lower (func $f))))
  "canonical option `memory` is required")
(assert_invalid
  (component (import "f" (func $f (param "l" (list u8 17)))) (core func (canon lower (func $f))))
  "canonical option `memory` is required")
(component definition
  (import "f" (func $f (param "l" (list u8 16)))) (core func (canon lower (func $f))))
(assert_invalid
  (component
    (import "f" (func $f (result string)))
    (core module $m (memory (export "memory") 1)) (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (memory (core memory $i "memory")))))
  "canonical option `realloc` is required")
(component definition
  (import "f" (func $f (param "s" string)))
  (core module $m (memory (export "memory") 1)) (core instance $i (instantiate $m))
  (core func (canon lower (func $f) (memory (core memory $i "memory")))))
(assert_invalid
  (component
    (core module $m (memory (export "memory") 1) (func (export "f") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (param "s" string) (canon lift (core func $i "f") (memory (core memory $i "memory")))))
  "canonical option `realloc` is required")
(assert_invalid
  (component
    (core module $m (func (export "f") (result i32) unreachable))
    (core instance $i (instantiate $m))
    (func (result string) (canon lift (core func $i "f"))))
  "canonical option `memory` is required")

;; What is there twice.
(assert_invalid
  (component (import "f" (func $f)) (core func (canon lower (func $f) string-encoding=utf8 string-encoding=utf16)))
  "canonical encoding option `utf8` conflicts with option `utf16`")
(assert_invalid
  (component
    (import "f" (func $f))
    (core module $m (memory (export "memory") 1)) (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (memory (core memory $i "memory")) (memory (core memory $i "memory")))))
  "canonical option `memory` is specified more than once")
(assert_invalid
  (component
    (import "f" (func $f))
    (core module $m (memory (export "memory") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (memory (core memory $i "memory"))
      (realloc (core func $i "r")) (realloc (core func $i "r")))))
  "canonical option `realloc` is specified more than once")

;; What is of the wrong type.
(assert_invalid
  (component
    (import "f" (func $f))
    (core module $m (memory (export "memory") 1) (func (export "r") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (memory (core memory $i "memory")) (realloc (core func $i "r")))))
  "canonical option `realloc` uses a core function with an incorrect signature")
(assert_invalid
  (component
    (import "f" (func $f))
    (core module $m (memory (export "memory") 1) (func (export "r") (param i32 i32 i32 i32)))
    (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (memory (core memory $i "memory")) (realloc (core func $i "r")))))
  "canonical option `realloc` uses a core function with an incorrect signature")
(assert_invalid
  (component
    (core module $m (func (export "f") (param i32))) (core instance $i (instantiate $m))
    (func (canon lift (core func $i "f"))))
  "lowered parameter types")
(assert_invalid
  (component
    (core module $m (func (export "f") (result i32) unreachable)) (core instance $i (instantiate $m))
    (func (canon lift (core func $i "f"))))
  "lowered result types")
(assert_invalid
  (component
    (core module $m (func (export "f") (param i32))) (core instance $i (instantiate $m))
    (func (param "x" u64) (canon lift (core func $i "f"))))
  "lowered parameter types")
(assert_invalid
  (component
    (core module $m (func (export "f") (param i64))) (core instance $i (instantiate $m))
    (func (param "x" f64) (canon lift (core func $i "f"))))
  "lowered parameter types")

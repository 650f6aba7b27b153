;; Names of imports and exports: labels of words, names of interfaces with packages and versions,
;; names of methods, and that no two are alike.

;; Words begin with a letter and are in one case each.
(component definition
  (import "a" (func)) (import "ab" (func)) (import "c-d" (func)) (import "e-F" (func))
  (import "URL" (func)) (import "parse-URL" (func)) (import "x86-64" (func)) (import "utf8" (func))
  (import "wasi-2" (func)) (import "one-2-three" (func)))
(assert_invalid (component (import "" (func))) "not in kebab case")
(assert_invalid (component (import "-" (func))) "not in kebab case")
(assert_invalid (component (import "-a" (func))) "not in kebab case")
(assert_invalid (component (import "a-" (func))) "not in kebab case")
(assert_invalid (component (import "a--b" (func))) "not in kebab case")
(assert_invalid (component (import "2a" (func))) "not in kebab case")
(assert_invalid (component (import "Ab" (func))) "not in kebab case")
(assert_invalid (component (import "aB" (func))) "not in kebab case")
(assert_invalid (component (import "a-bC" (func))) "not in kebab case")
(assert_invalid (component (import "a_b" (func))) "not in kebab case")
(assert_invalid (component (import "a b" (func))) "not in kebab case")
(assert_invalid (component (import "ä" (func))) "not in kebab case")
(assert_invalid (component (import "a.b" (func))) "not in kebab case")
(assert_invalid (component (import "$root" (func))) "not in kebab case")

;; Interfaces: a package of lower-case words, a name, a version.
(component definition
  (import "a:b/c" (func)) (import "a-b:c-d/e-f" (func)) (import "a:b/c@1.0.0" (func))
  (import "a:b/c@0.2.6" (func)) (import "a:b/c@1.2.3-rc.1" (func)) (import "a:b/c@1.2.3+build.4" (func))
  (import "a:b/c@1.2.3-rc.1+build.4" (func)) (import "a:b/D" (func)) (import "wasi:io/poll@0.2.12" (func)))
(assert_invalid (component (import "a:b" (func))) "expected `/` after package name")
(assert_invalid (component (import ":b/c" (func))) "not in kebab case")
(assert_invalid (component (import "a:/c" (func))) "not in kebab case")
(assert_invalid (component (import "a:b/" (func))) "not in kebab case")
(assert_invalid (component (import "A:b/c" (func))) "not a valid extern name")
(assert_invalid (component (import "a:B/c" (func))) "not a valid extern name")
(assert_invalid (component (import "a:b/c/d" (func))) "trailing characters found")
(assert_invalid (component (import "a:b/c@" (func))) "empty string, expected a semver version")
(assert_invalid (component (import "a:b/c@1" (func))) "unexpected end of input while parsing major version")
(assert_invalid (component (import "a:b/c@1.0" (func))) "unexpected end of input while parsing minor version")
(assert_invalid (component (import "a:b/c@01.0.0" (func))) "invalid leading zero")
(assert_invalid (component (import "a:b/c@1.0.0.0" (func))) "unexpected character")
(assert_invalid (component (import "a:b/c@x" (func))) "unexpected character")
(assert_invalid (component (import "a:b/c@1.0.0-" (func))) "empty identifier segment")
(assert_invalid (component (import "a:b/c@1.0.0 " (func))) "unexpected character")

;; No two names are alike, whatever their case.
(component definition
  (import "foo" (func)) (import "foo-bar" (func)) (import "foo:bar/baz" (func))
  (import "foo:bar/baz@1.0.0" (func)) (import "foo:bar/baz@2.0.0" (func)))
(assert_invalid (component (import "a" (func)) (import "a" (func))) "conflicts with previous name")
(assert_invalid (component (import "ab" (func)) (import "AB" (func))) "conflicts with previous name")
(assert_invalid (component (import "x-ab" (func)) (import "x-AB" (instance))) "conflicts with previous name")
(assert_invalid (component (import "a:b/c" (func)) (import "a:b/c" (func))) "conflicts with previous name")
(assert_invalid (component (import "a:b/c@1.0.0" (func)) (import "a:b/c@1.0.0" (func)))
  "conflicts with previous name")
(assert_invalid
  (component (import "f" (func $f)) (export "x" (func $f)) (export "X" (func $f)))
  "conflicts with previous name")
(assert_invalid (component (type (instance (export "a" (func)) (export "a" (func)))))
  "conflicts with previous name")
(assert_invalid (component (type (component (import "a" (func)) (import "a" (func)))))
  "conflicts with previous name")
(assert_invalid (component (import "f" (func $f)) (instance (export "a" (func $f)) (export "a" (func $f))))
  "conflicts with previous name")
;; An import and an export may be.
(component definition (import "a" (func $a)) (export "a" (func $a)))

;; Labels within types.
(assert_invalid (component (type (record (field "a b" u8)))) "not in kebab case")
(assert_invalid (component (type (record (field "a" u8) (field "A" u8)))) "conflicts with previous field name")
(assert_invalid (component (type (variant (case "a") (case "a" u8)))) "conflicts with previous case name")
(assert_invalid (component (type (enum "a" "b" "A"))) "conflicts with previous tag name")
(assert_invalid (component (type (flags "x" "x"))) "conflicts with previous flag name")
(assert_invalid (component (type (enum "1"))) "not in kebab case")
(assert_invalid (component (type (func (param "a" u8) (param "A" u8)))) "conflicts with previous parameter name")
(assert_invalid (component (type (func (param "a_b" u8)))) "not in kebab case")

;; Functions of resources name their resource.
(component definition
  (import "file" (type $file (sub resource)))
  (import "[constructor]file" (func (param "path" string) (result (own $file))))
  (import "[method]file.read" (func (param "self" (borrow $file)) (result (list u8))))
  (import "[static]file.open" (func (param "path" string) (result (result (own $file))))))
(assert_invalid
  (component (import "[constructor]file" (func (result u8))))
  "should return `(own $T)`")
(assert_invalid
  (component (import "file" (type $f (sub resource))) (import "[constructor]file" (func)))
  "should return one value")
(assert_invalid
  (component (import "f" (type $f (sub resource))) (import "[constructor]file" (func (result (own $f)))))
  "does not match expected resource name")
(assert_invalid
  (component (import "file" (type $f (sub resource))) (import "[method]file.read" (func)))
  "should have at least one argument")
(assert_invalid
  (component (import "file" (type $f (sub resource)))
    (import "[method]file.read" (func (param "self" (own $f)))))
  "should take a first argument of `(borrow $T)`")
(assert_invalid
  (component (import "file" (type $f (sub resource)))
    (import "[method]file.read" (func (param "me" (borrow $f)))))
  "should have a first argument called `self`")
(assert_invalid
  (component (import "f" (type $f (sub resource)))
    (import "[method]file.read" (func (param "self" (borrow $f)))))
  "does not match expected resource name")
(assert_invalid (component (import "[static]file.open" (func))) "static resource name is not known")
(assert_invalid (component (import "[method]file" (func))) "failed to find `.` character")
(assert_invalid (component (import "[destructor]file" (func))) "not in kebab case")
(assert_invalid
  (component (import "file" (type $f (sub resource)))
    (import "[method]file.read" (func (param "self" (borrow $f))))
    (import "[static]file.read" (func)))
  "conflicts with previous name")

;; An interface under a label.
(component definition
  (import "first" (implements "a:b/c@1.0.0") (instance))
  (import "second" (implements "a:b/c@1.0.0") (instance))
  (import "a:b/c@1.0.0" (instance)))
(assert_invalid (component (import "first" (implements "a:b/c") (func))) "only instance")
(assert_invalid (component (import "first" (implements "nothing") (instance))) "must be an interface")
(assert_invalid (component (import "a:b/d" (implements "a:b/c") (instance))) "not valid with `implements`")

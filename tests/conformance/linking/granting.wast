;; What a root component may import from outside: functions and interfaces that somebody grants. A
;; core module or a component is never granted, nor is an interface within an interface. (Nothing
;; is granted in a script, so the valid ones are only defined.)

(component definition (import "f" (func)))
(component definition (import "a:b/c@1.0.0" (instance (export "f" (func)))))
(component definition (import "r" (type (sub resource))))

;; An instance without functions and resources of its own, or a type that is equal to a known one,
;; needs nobody.
(component (import "a:b/c" (instance)))
(component (import "a:b/types@0.1.0" (instance (type $e (enum "a" "b")) (export "e" (type (eq $e))))))
(component (type $t (list u8)) (import "t" (type (eq $t))))

(assert_unlinkable (component (import "f" (func))) "nothing is granted under that name")
(assert_unlinkable (component (import "a:b/c" (instance (export "f" (func)))))
  "nothing is granted under that name")
(assert_unlinkable (component (import "r" (type (sub resource)))) "nothing is granted under that name")
(assert_unlinkable
  (component (import "label" (implements "a:b/c") (instance (export "f" (func)))))
  "nothing is granted under that name")
(assert_unlinkable (component (import "m" (core module))) "found a core module: nobody can grant it")
(assert_unlinkable (component (import "c" (component))) "found a component: nobody can grant it")
(assert_unlinkable (component (import "i" (instance (export "j" (instance)))))
  "found an interface within an interface: nobody can grant it")
(assert_unlinkable (component (import "i" (instance (export "m" (core module)))))
  "found a core module: nobody can grant it")
(assert_unlinkable (component (import "i" (instance (export "c" (component)))))
  "found a component: nobody can grant it")

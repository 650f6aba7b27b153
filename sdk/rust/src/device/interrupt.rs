//! Interrupt lines that are watched.

/// Defines `InterruptLine`, a granted interrupt line that is watched under a token, from the server's
/// bindings of `atoll:device/irq` and `atoll:io/watch`: `interrupt_line!(bindings);`
///
/// `InterruptLine::open(label, token)` opens and watches the line that is granted under the label.
/// When `atoll:io/handler` is called with the token, `serve` takes what serves the device, and opens
/// the line again. Lines are edge triggered: a request that came between the last look at the device
/// and the acknowledgement makes no new edge. So the device is served once more after it.
#[macro_export]
macro_rules! interrupt_line {
    ($($bindings:ident)::+) => {
        /// An interrupt line that is watched under a token.
        struct InterruptLine {
            // Dropped before what it belongs to.
            pollable: $($bindings)::+::wasi::io::poll::Pollable,
            interrupt: $($bindings)::+::atoll::device::irq::Interrupt,
            token: u64,
        }

        impl InterruptLine {
            /// Opens and watches the line that is granted under the label.
            fn open(
                label: &str,
                token: u64,
            ) -> ::core::result::Result<Self, $($bindings)::+::atoll::device::types::ErrorCode>
            {
                let interrupt = $($bindings)::+::atoll::device::irq::Interrupt::open(label)?;
                let line = Self { pollable: interrupt.subscribe(), interrupt, token };
                line.watch();
                ::core::result::Result::Ok(line)
            }

            /// Serves the device until nothing can have been missed, and opens the line again.
            fn serve(&self, mut service: impl ::core::ops::FnMut()) {
                service();
                self.interrupt.acknowledge();
                service();
                self.watch();
            }

            fn watch(&self) {
                $($bindings)::+::atoll::io::watch::watch(&self.pollable, self.token);
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    thread_local! {
        static DONE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    fn note(what: &str) {
        DONE.with_borrow_mut(|done| done.push(what.to_owned()));
    }

    /// Bindings that note what is called.
    #[allow(unreachable_pub, reason = "as in generated bindings")]
    mod bindings {
        pub mod wasi {
            pub mod io {
                pub mod poll {
                    pub struct Pollable;
                }
            }
        }

        pub mod atoll {
            pub mod device {
                pub mod types {
                    #[derive(Debug, PartialEq)]
                    pub enum ErrorCode {
                        NotGranted,
                    }
                }

                pub mod irq {
                    use super::super::super::super::note;
                    use super::super::super::wasi::io::poll::Pollable;
                    use super::types::ErrorCode;

                    pub struct Interrupt;

                    impl Interrupt {
                        pub fn open(label: &str) -> Result<Self, ErrorCode> {
                            if label == "uart" { Ok(Self) } else { Err(ErrorCode::NotGranted) }
                        }

                        pub fn subscribe(&self) -> Pollable {
                            Pollable
                        }

                        pub fn acknowledge(&self) {
                            note("acknowledge");
                        }
                    }
                }
            }

            pub mod io {
                pub mod watch {
                    use super::super::super::super::note;
                    use super::super::super::wasi::io::poll::Pollable;

                    pub fn watch(_pollable: &Pollable, token: u64) {
                        note(&format!("watch {token}"));
                    }
                }
            }
        }
    }

    crate::interrupt_line!(bindings);

    #[test]
    fn a_device_is_served_again_after_the_acknowledgement() {
        let line = InterruptLine::open("uart", 7).expect("granted");
        assert_eq!(DONE.take(), ["watch 7"]);
        line.serve(|| note("serve"));
        assert_eq!(DONE.take(), ["serve", "acknowledge", "serve", "watch 7"]);
        let refused = InterruptLine::open("other", 7).err();
        assert_eq!(refused, Some(bindings::atoll::device::types::ErrorCode::NotGranted));
        assert!(DONE.take().is_empty());
    }
}

//! The kernel proper: hands the machine from the boot loader to the policy rooms.

#![no_std]
#![no_main]

extern crate atoll_kernel as _;

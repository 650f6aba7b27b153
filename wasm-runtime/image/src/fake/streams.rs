//! Reading and writing: pipes, blobs, the log, and records of the kernel's.

use super::records::{domain_record, log_records, machine_record, pulse_record};
use super::{Fake, Pipe, Thing};
use atoll_gate::call::{Status, rights};
use atoll_gate::record::DOMAIN_PULSE;

impl Fake {
    pub(super) fn read(&mut self, handle: u64, offset: u64, most: u64) -> Result<u64, Status> {
        let thing = self.state.borrow().thing(handle, rights::READ)?;
        let bytes = match thing {
            Thing::Reader(pipe) => {
                let mut state = self.state.borrow_mut();
                let open = state.other_end(&Thing::Writer(pipe));
                let bytes = &mut state.pipes[pipe].bytes;
                if bytes.is_empty() {
                    return Err(if open { Status::WouldBlock } else { Status::Closed });
                }
                let count = bytes.len().min(most as usize);
                bytes.drain(..count).collect()
            }
            Thing::Blob(bytes) => bytes[(offset as usize).min(bytes.len())..].to_vec(),
            Thing::Log => log_records(&self.state.borrow().log, offset),
            Thing::System => machine_record(self.state.borrow().now),
            Thing::Domain if offset == DOMAIN_PULSE => pulse_record(),
            Thing::Domain => domain_record(),
            _ => return Err(Status::WrongKind),
        };
        let count = bytes.len().min(most as usize);
        self.receive[..count].copy_from_slice(&bytes[..count]);
        Ok(count as u64)
    }

    pub(super) fn write(&mut self, handle: u64, lengths: u64) -> Result<u64, Status> {
        let (bytes, _) = self.sent(lengths)?;
        let mut state = self.state.borrow_mut();
        match state.thing(handle, rights::WRITE)? {
            Thing::Writer(pipe) => {
                if !state.other_end(&Thing::Reader(pipe)) {
                    return Err(Status::Closed);
                }
                let Pipe { bytes: held, capacity } = &mut state.pipes[pipe];
                let room = *capacity - held.len();
                if room == 0 {
                    return Err(Status::WouldBlock);
                }
                let count = bytes.len().min(room);
                held.extend(&bytes[..count]);
                Ok(count as u64)
            }
            Thing::Made(number) => {
                let (_, size, held) = &mut state.made[number];
                if held.len() + bytes.len() > *size as usize {
                    return Err(Status::Invalid);
                }
                held.extend(&bytes);
                Ok(bytes.len() as u64)
            }
            Thing::Log => {
                state.log.push((bytes[0], String::from_utf8(bytes[1..].to_vec()).expect("text")));
                Ok(bytes.len() as u64)
            }
            _ => Err(Status::WrongKind),
        }
    }
}

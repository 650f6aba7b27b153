//! Driver of a PS/2 keyboard behind an i8042 controller: scan codes in, terminal bytes out.
//!
//! [`Keyboard`] works on the controller's two registers, I/O ports on the machine and a model in the
//! tests. It sends what a serial terminal would send for the same key, so the rest of the console knows one
//! kind of input. The layout is US, the scan codes are set 1, to which the controller translates.

use atoll_sdk::device::{Field, ReadOnly, Register, Registers, WriteOnly};
use pc_keyboard::layouts::Us104Key;
use pc_keyboard::{
    DecodedKey, EventDecoder, HandleControl, KeyCode, KeyEvent, KeyState, ScancodeSet, ScancodeSet1,
};

/// Ports 0x60 and 0x64, of a range that begins with the first.
const DATA: Register<u8> = Register::at(0);
const STATUS: Register<u8, ReadOnly> = Register::at(4);
const COMMAND: Register<u8, WriteOnly> = Register::at(4);

/// In the status.
const OUTPUT_FULL: Field<u8> = Field::bit(0);
const INPUT_FULL: Field<u8> = Field::bit(1);
/// The waiting byte is the mouse's.
const FROM_MOUSE: Field<u8> = Field::bit(5);
/// What there is where there is no controller.
const NOTHING: u8 = 0xff;
const READ_CONFIGURATION: u8 = 0x20;
const WRITE_CONFIGURATION: u8 = 0x60;
const DISABLE_MOUSE: u8 = 0xa7;
const ENABLE_KEYBOARD: u8 = 0xae;
/// Keyboard interrupt on, translation to set 1 on.
const WANTED: u8 = 0x41;
/// Mouse interrupt and keyboard's off switch.
const UNWANTED: u8 = 0x12;
/// How often the controller is asked before it counts as dead; only while it is set up.
const PATIENCE: usize = 10_000;
/// Most bytes taken in one interrupt.
const MAX_BURST: usize = 64;

/// Keys whose state changes what others mean, and the scan codes that press them.
const MODIFIERS: [(KeyCode, &[u8]); 8] = [
    (KeyCode::LShift, &[0x2a]),
    (KeyCode::RShift, &[0x36]),
    (KeyCode::LControl, &[0x1d]),
    (KeyCode::RControl, &[0xe0, 0x1d]),
    (KeyCode::LAlt, &[0x38]),
    (KeyCode::RAltGr, &[0xe0, 0x38]),
    (KeyCode::CapsLock, &[0x3a]),
    (KeyCode::NumpadLock, &[0x45]),
];

/// A keyboard whose controller answered.
pub struct Keyboard<C> {
    controller: C,
    scan_codes: ScancodeSet1,
    keys: EventDecoder<Us104Key>,
    /// Which of [`MODIFIERS`] are held, or were pressed an odd number of times if they lock.
    modifiers: [bool; MODIFIERS.len()],
    /// The scan code that is not complete.
    cut: Vec<u8>,
}

impl<C: Registers<u8>> Keyboard<C> {
    /// Looks for a controller, which stays as it is. `None` if there is none.
    pub fn find(controller: C) -> Option<Self> {
        if STATUS.read(&controller) == NOTHING {
            return None;
        }
        Some(Self {
            controller,
            scan_codes: ScancodeSet1::new(),
            keys: EventDecoder::new(Us104Key, HandleControl::MapLettersToUnicode),
            modifiers: Default::default(),
            cut: Vec::new(),
        })
    }

    /// Sets the controller up; `false` if it does not answer.
    pub fn set_up(&mut self) -> bool {
        set_up(&self.controller).is_some()
    }

    /// The scan codes that bring a new decoder where this one is.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let held = MODIFIERS.iter().zip(self.modifiers).filter(|(_, held)| *held);
        let codes = held.flat_map(|((_, codes), _)| codes.iter()).copied();
        codes.chain(self.cut.iter().copied()).collect()
    }

    /// Brings a new decoder where that one was; the controller stays as it is.
    pub fn restore(&mut self, codes: &[u8]) {
        self.scan_codes = ScancodeSet1::new();
        self.keys = EventDecoder::new(Us104Key, HandleControl::MapLettersToUnicode);
        self.modifiers = Default::default();
        self.cut.clear();
        // Modifiers make no bytes.
        codes.iter().for_each(|&code| self.scan_code(code, &mut Vec::new()));
    }

    /// Takes what the controller has and appends the bytes of the keys to `received`. Returns
    /// whether there was anything.
    pub fn service(&mut self, received: &mut Vec<u8>) -> bool {
        let mut served = false;
        for _ in 0..MAX_BURST {
            let status = STATUS.read(&self.controller);
            if !OUTPUT_FULL.is_set(status) {
                break;
            }
            served = true;
            let code = DATA.read(&self.controller);
            if !FROM_MOUSE.is_set(status) {
                self.scan_code(code, received);
            }
        }
        served
    }

    fn scan_code(&mut self, code: u8, received: &mut Vec<u8>) {
        let advanced = self.scan_codes.advance_state(code);
        match advanced {
            Ok(None) => self.cut.push(code),
            _ => self.cut.clear(),
        }
        // Unknown codes are no keys that a terminal has.
        let Ok(Some(event)) = advanced else { return };
        self.note_modifier(&event);
        if let Some(sequence) = sequence(&event) {
            received.extend_from_slice(sequence);
            return;
        }
        if let Some(DecodedKey::Unicode(character)) = self.keys.process_keyevent(event) {
            let character = if character == '\n' { '\r' } else { character };
            let mut buffer = [0; 4];
            received.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
    }

    fn note_modifier(&mut self, event: &KeyEvent) {
        let keys = MODIFIERS.iter().map(|(key, _)| *key);
        let Some((key, held)) = keys.zip(&mut self.modifiers).find(|(key, _)| *key == event.code)
        else {
            return;
        };
        let locks = matches!(key, KeyCode::CapsLock | KeyCode::NumpadLock);
        match event.state {
            KeyState::Down if locks => *held = !*held,
            KeyState::Up if !locks => *held = false,
            KeyState::Down => *held = true,
            KeyState::Up | KeyState::SingleShot => {}
        }
    }
}

/// Silences the mouse, lets the keyboard interrupt and translate.
fn set_up(controller: &impl Registers<u8>) -> Option<()> {
    send_command(controller, DISABLE_MOUSE)?;
    for _ in 0..MAX_BURST {
        if !OUTPUT_FULL.is_set(STATUS.read(controller)) {
            break;
        }
        DATA.read(controller);
    }
    send_command(controller, READ_CONFIGURATION)?;
    wait(|| OUTPUT_FULL.is_set(STATUS.read(controller)))?;
    let configuration = DATA.read(controller) & !UNWANTED | WANTED;
    send_command(controller, WRITE_CONFIGURATION)?;
    wait(|| !INPUT_FULL.is_set(STATUS.read(controller)))?;
    DATA.write(controller, configuration);
    send_command(controller, ENABLE_KEYBOARD)
}

fn send_command(controller: &impl Registers<u8>, command: u8) -> Option<()> {
    wait(|| !INPUT_FULL.is_set(STATUS.read(controller)))?;
    COMMAND.write(controller, command);
    Some(())
}

fn wait(done: impl Fn() -> bool) -> Option<()> {
    (0..PATIENCE).any(|_| done()).then_some(())
}

/// What a terminal sends for a key that makes no character.
fn sequence(event: &KeyEvent) -> Option<&'static [u8]> {
    if event.state != KeyState::Down {
        return None;
    }
    Some(match event.code {
        KeyCode::ArrowUp => b"\x1b[A",
        KeyCode::ArrowDown => b"\x1b[B",
        KeyCode::ArrowRight => b"\x1b[C",
        KeyCode::ArrowLeft => b"\x1b[D",
        KeyCode::Home => b"\x1b[H",
        KeyCode::End => b"\x1b[F",
        KeyCode::Insert => b"\x1b[2~",
        KeyCode::Delete => b"\x1b[3~",
        KeyCode::PageUp => b"\x1b[5~",
        KeyCode::PageDown => b"\x1b[6~",
        KeyCode::Backspace => b"\x7f",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Model {
        waiting: Rc<RefCell<VecDeque<u8>>>,
        configuration: Rc<Cell<u8>>,
        command: Rc<Cell<u8>>,
    }

    impl Registers<u8> for Model {
        fn read(&self, offset: u32) -> u8 {
            if offset == STATUS.offset() {
                return OUTPUT_FULL.put(0, u8::from(!self.waiting.borrow().is_empty()));
            }
            assert_eq!(offset, DATA.offset());
            self.waiting.borrow_mut().pop_front().unwrap_or(0)
        }

        fn write(&self, offset: u32, value: u8) {
            if offset == COMMAND.offset() {
                self.command.set(value);
                if value == READ_CONFIGURATION {
                    self.waiting.borrow_mut().push_back(self.configuration.get());
                }
                return;
            }
            assert_eq!((offset, self.command.get()), (DATA.offset(), WRITE_CONFIGURATION));
            self.configuration.set(value);
        }
    }

    fn started<C: Registers<u8> + Clone>(controller: &C) -> Option<Keyboard<C>> {
        let mut keyboard = Keyboard::find(controller.clone())?;
        keyboard.set_up().then_some(keyboard)
    }

    fn press(codes: &[u8]) -> Vec<u8> {
        let model = Model::default();
        let mut keyboard = started(&model).unwrap();
        model.waiting.borrow_mut().extend(codes);
        let mut received = Vec::new();
        assert!(keyboard.service(&mut received));
        received
    }

    #[test]
    fn sets_the_controller_up() {
        let model = Model::default();
        model.configuration.set(0x32);
        assert!(started(&model).is_some());
        assert_eq!(model.configuration.get(), 0x61);
    }

    #[test]
    fn absent_controller_is_noticed() {
        #[derive(Clone)]
        struct Nothing(u8);
        impl Registers<u8> for Nothing {
            fn read(&self, _offset: u32) -> u8 {
                self.0
            }

            fn write(&self, _offset: u32, _value: u8) {}
        }
        assert!(Keyboard::find(Nothing(NOTHING)).is_none());
        assert!(started(&Nothing(INPUT_FULL.put(0, 1))).is_none());
    }

    #[test]
    fn letters_with_and_without_modifiers() {
        // p, s, return; then shift-a; then ctrl-c.
        assert_eq!(press(&[0x19, 0x99, 0x1f, 0x9f, 0x1c, 0x9c]), b"ps\r");
        assert_eq!(press(&[0x2a, 0x1e, 0x9e, 0xaa]), b"A");
        assert_eq!(press(&[0x1d, 0x2e, 0xae, 0x9d]), [3]);
    }

    #[test]
    fn cursor_keys_send_sequences() {
        assert_eq!(press(&[0xe0, 0x48, 0xe0, 0xc8]), b"\x1b[A");
        assert_eq!(press(&[0xe0, 0x53, 0x0e]), b"\x1b[3~\x7f");
    }

    #[test]
    fn another_decoder_goes_on_wherever_this_one_is() {
        // Shift-a, caps lock, ctrl right with c, cursor up with alt held, a.
        let codes = [
            0x2a, 0x1e, 0x9e, 0xaa, 0x3a, 0xba, 0x1e, 0xe0, 0x1d, 0x2e, 0xae, 0xe0, 0x9d, 0x38,
            0xe0, 0x48, 0xe0, 0xc8, 0xb8, 0x1e, 0x9e,
        ];
        let whole = press(&codes);
        for cut in 0..codes.len() {
            let [first, second] = [Model::default(), Model::default()];
            let mut received = Vec::new();
            let mut keyboard = started(&first).unwrap();
            first.waiting.borrow_mut().extend(&codes[..cut]);
            keyboard.service(&mut received);
            let state = keyboard.save();
            let mut keyboard = Keyboard::find(second.clone()).unwrap();
            keyboard.restore(&state);
            second.waiting.borrow_mut().extend(&codes[cut..]);
            keyboard.service(&mut received);
            assert_eq!(received, whole, "cut at {cut}");
        }
    }
}

//! The sessions in a saved state.

use super::{
    Escape, INPUT_LIMIT, Mode, PROMPT_LIMIT, Row, SESSION_LIMIT, Session, SessionId, Terminal,
};
use crate::editor::Editor;
use crate::keys::Decoder;
use crate::state::{Damaged, Reader, Writer};

impl Terminal {
    /// Writes everything down but the display, which has to be taken before.
    pub fn save(&self, out: &mut Writer) {
        out.number(self.next_id as usize);
        self.serial.save(out);
        self.keyboard.save(out);
        self.row.save(out);
        out.number(self.sessions.len());
        self.sessions.iter().for_each(|session| session.save(out));
        self.sessions.iter().for_each(|session| session.editor.save_spare(out));
    }

    /// Makes a terminal of so many columns that goes on where that one was.
    ///
    /// # Errors
    /// Those are not the bytes of one.
    pub fn restore(columns: usize, state: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut terminal = Self::new(columns);
        terminal.next_id = number(state)?;
        terminal.serial = Decoder::restore(state)?;
        terminal.keyboard = Decoder::restore(state)?;
        terminal.row = Row::restore(state)?;
        let count = state.number()?;
        if count > SESSION_LIMIT {
            return Err(Damaged);
        }
        for _ in 0..count {
            terminal.sessions.push(Session::restore(state)?);
        }
        for session in &mut terminal.sessions {
            session.editor.restore_spare(state)?;
        }
        Ok(terminal)
    }

    /// Forgets what was typed and not read: another version has dealt with it.
    pub fn forget_typed(&mut self) {
        (self.serial, self.keyboard) = (Decoder::default(), Decoder::default());
        self.row = Row::default();
        for session in &mut self.sessions {
            session.editor.take_typed();
            session.pending.clear();
        }
    }
}

impl Session {
    fn save(&self, out: &mut Writer) {
        out.number(self.id.0 as usize);
        out.number(usize::from(self.mode == Mode::Raw));
        let (front, back) = self.pending.as_slices();
        out.bytes(&[front, back].concat());
        self.editor.save(out);
    }

    fn restore(state: &mut Reader<'_>) -> Result<Self, Damaged> {
        let id = SessionId(number(state)?);
        let mode = if state.number()? == 0 { Mode::Line } else { Mode::Raw };
        let pending = state.bytes()?.iter().copied().take(INPUT_LIMIT).collect();
        Ok(Self { id, mode, pending, editor: Editor::restore(state)? })
    }
}

impl Row {
    fn save(&self, out: &mut Writer) {
        out.bytes(&self.prompt);
        out.number(self.column);
        out.number(match self.escape {
            Escape::No => 0,
            Escape::Started => 1,
            Escape::Sequence => 2,
        });
    }

    fn restore(state: &mut Reader<'_>) -> Result<Self, Damaged> {
        let prompt = state.bytes()?.iter().copied().take(PROMPT_LIMIT).collect();
        let column = state.number()?;
        let escape = match state.number()? {
            0 => Escape::No,
            1 => Escape::Started,
            2 => Escape::Sequence,
            _ => return Err(Damaged),
        };
        Ok(Self { prompt, column, escape })
    }
}

fn number(state: &mut Reader<'_>) -> Result<u32, Damaged> {
    u32::try_from(state.number()?).map_err(|_| Damaged)
}

//! How far the loading of a component is, for whoever waits for a large one.
//!
//! Reading and validating counts a third, translating the core modules the rest; both go by bytes. A
//! module is translated in one piece, so the largest is the largest step.

/// How many parts of the work a byte is when it is read, and when it is translated.
const READ: u128 = 1;
const TRANSLATED: u128 = 2;

/// Tells how far the loading of one component is.
#[derive(Default)]
pub struct Progress<'t> {
    /// Bytes of the component.
    size: u64,
    read: u64,
    translated: u64,
    /// What was told last, in percent.
    told: u32,
    tell: Option<&'t mut dyn FnMut(u32)>,
}

impl<'t> Progress<'t> {
    /// Tells of the reading of a component of that many bytes, in percent of the whole work: ever
    /// more, and never the same number twice.
    pub fn of_reading(size: usize, tell: &'t mut dyn FnMut(u32)) -> Self {
        Self { size: size as u64, tell: Some(tell), ..Self::default() }
    }

    /// The same of the translation of what has been read.
    pub fn of_translating(size: usize, tell: &'t mut dyn FnMut(u32)) -> Self {
        let mut silent = Self { read: size as u64, size: size as u64, ..Self::default() };
        silent.told = silent.percent();
        Self { tell: Some(tell), ..silent }
    }

    /// The component is read up to there.
    pub(crate) fn read_to(&mut self, offset: u64) {
        self.read = offset.min(self.size);
        self.look();
    }

    /// A core module of that many bytes is translated.
    pub(crate) fn translate(&mut self, bytes: usize) {
        self.translated = self.translated.saturating_add(bytes as u64).min(self.size);
        self.look();
    }

    fn look(&mut self) {
        let percent = self.percent();
        let Some(tell) = self.tell.as_mut().filter(|_| percent > self.told) else { return };
        self.told = percent;
        tell(percent);
    }

    fn percent(&self) -> u32 {
        let (read, translated) = (u128::from(self.read), u128::from(self.translated));
        let done = read * READ + translated * TRANSLATED;
        let all = u128::from(self.size) * (READ + TRANSLATED);
        u32::try_from(done * 100 / all.max(1)).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    #[test]
    fn both_parts_of_the_work_add_up() {
        let mut told = Vec::new();
        let mut tell = |percent| told.push(percent);
        let mut progress = Progress::of_reading(300, &mut tell);
        for offset in [0, 3, 150, 151, 300, 9000] {
            progress.read_to(offset);
        }
        let mut progress = Progress::of_translating(300, &mut tell);
        for bytes in [0, 30, 250, 1000] {
            progress.translate(bytes);
        }
        assert_eq!(told, vec![16, 33, 40, 95, 100]);
    }

    #[test]
    fn an_empty_component_is_no_division() {
        let mut told = Vec::new();
        let mut tell = |percent| told.push(percent);
        Progress::of_reading(0, &mut tell).read_to(5);
        assert!(told.is_empty());
    }
}

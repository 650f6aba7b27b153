//! Square matrices of 16-bit numbers: by a number, by a vector, by each other.

use super::crc;

/// Rows and columns.
const SIZE: usize = 12;

/// Two factors and a product.
pub(super) struct Matrices {
    left: [i16; SIZE * SIZE],
    right: [i16; SIZE * SIZE],
    product: [i32; SIZE * SIZE],
}

impl Matrices {
    pub(super) fn new() -> Self {
        let element = |index: usize, factor: usize| ((index * factor + 1) % 251) as i16 - 125;
        Self {
            left: std::array::from_fn(|index| element(index, 31)),
            right: std::array::from_fn(|index| element(index, 77)),
            product: [0; SIZE * SIZE],
        }
    }

    /// Adds a number, multiplies in three ways and takes the number away again.
    pub(super) fn round(&mut self, seed: u16) -> u16 {
        let value = (seed & 0x7f) as i16;
        self.add(value);
        self.by_number(value);
        let mut crc = self.sum(seed);
        self.by_vector();
        crc = self.sum(crc);
        self.by_matrix();
        crc = self.sum(crc);
        self.bits();
        crc = self.sum(crc);
        self.add(value.wrapping_neg());
        crc
    }

    fn add(&mut self, value: i16) {
        for element in &mut self.left {
            *element = element.wrapping_add(value);
        }
    }

    fn by_number(&mut self, value: i16) {
        for (product, element) in self.product.iter_mut().zip(&self.left) {
            *product = i32::from(*element) * i32::from(value);
        }
    }

    /// The left matrix by the first row of the right one.
    fn by_vector(&mut self) {
        for (product, row) in self.product.iter_mut().zip(self.left.chunks_exact(SIZE)) {
            let terms = row.iter().zip(&self.right);
            *product = terms.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        }
    }

    fn by_matrix(&mut self) {
        let rows = self.product.chunks_exact_mut(SIZE).zip(self.left.chunks_exact(SIZE));
        for (product, row) in rows {
            for (column, product) in product.iter_mut().enumerate() {
                let terms = row.iter().zip(self.right.iter().skip(column).step_by(SIZE));
                *product = terms.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            }
        }
    }

    /// Each product becomes that of two fields of its bits.
    fn bits(&mut self) {
        for product in &mut self.product {
            *product = (*product >> 2 & 0xf) * (*product >> 5 & 0x7f);
        }
    }

    fn sum(&self, crc: u16) -> u16 {
        let sum = self
            .product
            .iter()
            .fold(0_u32, |sum, product| sum.rotate_left(1).wrapping_add(product.cast_unsigned()));
        crc::add_wide(crc, sum)
    }
}

#[cfg(test)]
mod tests {
    use super::{Matrices, SIZE};

    #[test]
    fn the_unit_matrix_changes_nothing() {
        let mut matrices = Matrices::new();
        matrices.right = std::array::from_fn(|index| i16::from(index % (SIZE + 1) == 0));
        matrices.by_matrix();
        assert!(matrices.product.iter().zip(&matrices.left).all(|(a, b)| *a == i32::from(*b)));
        let before = matrices.left;
        matrices.round(99);
        assert_eq!(matrices.left, before);
    }
}

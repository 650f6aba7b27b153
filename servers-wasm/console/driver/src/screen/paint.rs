//! Paints cells on a surface of pixels.
//!
//! [`Painter`] blends glyphs of the font with the cells' colours once and keeps the pixels, so that
//! painting a run of cells is copying rows of bytes. The surface is written in whole pixel rows of
//! a run, because each write is a call out of the sandbox.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::grid::{Cell, Changes, Run};

const HEIGHT: RasterHeight = RasterHeight::Size20;
const WEIGHT: FontWeight = FontWeight::Regular;
/// Pixel rows of a cell.
pub const CELL_HEIGHT: usize = HEIGHT.val();
/// Pixel columns of a cell.
pub const CELL_WIDTH: usize = get_raster_width(WEIGHT, HEIGHT);
const PIXEL_BYTES: usize = 4;
const CELL_ROW_BYTES: usize = CELL_WIDTH * PIXEL_BYTES;
/// Most glyphs kept; the cache is emptied when it is full.
const CACHE_LIMIT: usize = 256;
/// Places of the cache's hash table; twice the limit, so that searches stay short.
const CACHE_PLACES: usize = 512;
/// Most cells painted together.
const PART: usize = 128;
/// Most bytes in one write to the surface.
const WRITE_LIMIT: usize = 60_000;
/// Shown for characters that the font does not have.
const UNKNOWN: char = '?';

/// The sixteen colours, red, green and blue; the first is the background of everything.
const PALETTE: [[u8; 3]; 16] = [
    [0x0b, 0x1a, 0x24],
    [0xe0, 0x5f, 0x5a],
    [0x6f, 0xc2, 0x8b],
    [0xe0, 0xb4, 0x5c],
    [0x5c, 0x9f, 0xe0],
    [0xb9, 0x86, 0xd6],
    [0x4f, 0xc1, 0xc9],
    [0xd5, 0xdd, 0xe0],
    [0x5b, 0x6b, 0x75],
    [0xff, 0x87, 0x80],
    [0x98, 0xe6, 0xb0],
    [0xff, 0xd8, 0x80],
    [0x88, 0xc2, 0xff],
    [0xdc, 0xae, 0xf5],
    [0x7f, 0xe7, 0xee],
    [0xff, 0xff, 0xff],
];

/// Memory of pixels, 32 bits each, blue in the lowest byte.
pub trait Surface {
    /// Writes bytes from `offset` on.
    fn write(&mut self, offset: usize, bytes: &[u8]);
    /// Copies `count` bytes; the ranges may overlap.
    fn copy(&mut self, source: usize, target: usize, count: usize);
}

/// Shape of a surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Pixels in a row.
    pub width: usize,
    /// Pixel rows.
    pub height: usize,
    /// Bytes from one row to the next.
    pub pitch: usize,
}

impl Geometry {
    /// Whole cells in a row.
    #[must_use]
    pub fn columns(self) -> usize {
        self.width / CELL_WIDTH
    }

    /// Whole rows of cells.
    #[must_use]
    pub fn rows(self) -> usize {
        self.height / CELL_HEIGHT
    }
}

/// One pixel row of a cell.
type CellRow = [u8; CELL_ROW_BYTES];
/// The pixels of a cell.
type Glyph = [CellRow; CELL_HEIGHT];

/// The glyphs already blended, found by cell.
struct Glyphs {
    known: Vec<(u32, Box<Glyph>)>,
    /// Hash table of indices into `known`, plus one; 0 is a free place.
    places: Vec<u16>,
}

impl Glyphs {
    fn new() -> Self {
        Self { known: Vec::new(), places: vec![0; CACHE_PLACES] }
    }

    /// Makes room for `count` more.
    fn reserve(&mut self, count: usize) {
        if self.known.len() + count > CACHE_LIMIT {
            self.known.clear();
            self.places.fill(0);
        }
    }

    /// The index of a cell's glyph, blended now if need be. There must be room for it.
    fn index(&mut self, cell: Cell) -> usize {
        let key = key(cell);
        let mut place = (key ^ key >> 15) as usize % CACHE_PLACES;
        loop {
            match usize::from(self.places[place]).checked_sub(1) {
                None => {
                    self.known.push((key, blend(cell)));
                    self.places[place] = self.known.len() as u16;
                    return self.known.len() - 1;
                }
                Some(index) if self.known[index].0 == key => return index,
                Some(_) => place = (place + 1) % CACHE_PLACES,
            }
        }
    }
}

/// A surface and the glyphs already blended.
pub struct Painter<S> {
    surface: S,
    geometry: Geometry,
    glyphs: Glyphs,
    line: Vec<CellRow>,
}

impl<S: Surface> Painter<S> {
    /// Takes a surface, which stays as it is.
    pub fn new(surface: S, geometry: Geometry) -> Self {
        Self { surface, geometry, glyphs: Glyphs::new(), line: Vec::new() }
    }

    /// Brings the surface up to date.
    pub fn apply(&mut self, changes: &Changes) {
        let rows = self.geometry.rows();
        if changes.scroll > 0 && changes.scroll < rows {
            let distance = changes.scroll * CELL_HEIGHT * self.geometry.pitch;
            let count = (rows - changes.scroll) * CELL_HEIGHT * self.geometry.pitch;
            self.surface.copy(distance, 0, count);
        }
        for run in &changes.runs {
            self.paint(run);
        }
    }

    fn paint(&mut self, run: &Run) {
        for (number, cells) in run.cells.chunks(PART).enumerate() {
            self.paint_part(run.row, run.column + number * PART, cells);
        }
    }

    /// Paints up to [`PART`] cells. The copying loop is the hottest of the server: it moves whole
    /// arrays, so that it has no bounds to check.
    fn paint_part(&mut self, row: usize, column: usize, cells: &[Cell]) {
        self.glyphs.reserve(cells.len());
        let indices: Vec<usize> = cells.iter().map(|&cell| self.glyphs.index(cell)).collect();
        let glyphs: Vec<&Glyph> = indices
            .iter()
            .filter_map(|&index| self.glyphs.known.get(index).map(|(_, glyph)| &**glyph))
            .collect();
        self.line.resize(glyphs.len(), [0; CELL_ROW_BYTES]);
        for y in 0..CELL_HEIGHT {
            for (target, glyph) in self.line.iter_mut().zip(&glyphs) {
                *target = glyph[y];
            }
            let top = (row * CELL_HEIGHT + y) * self.geometry.pitch;
            self.surface.write(top + column * CELL_ROW_BYTES, self.line.as_flattened());
        }
    }

    /// Blanks all of the surface.
    pub fn blank(&mut self) {
        let total = self.geometry.pitch * self.geometry.height;
        let pixel = pixel(PALETTE[0]);
        let piece = pixel.repeat(WRITE_LIMIT.min(total) / PIXEL_BYTES);
        for offset in (0..total).step_by(piece.len().max(PIXEL_BYTES)) {
            let count = piece.len().min(total - offset);
            self.surface.write(offset, &piece[..count]);
        }
    }
}

/// Identifies a cell in the cache.
fn key(cell: Cell) -> u32 {
    u32::from(cell.character) | u32::from(cell.style.0) << 24
}

fn pixel([red, green, blue]: [u8; 3]) -> [u8; PIXEL_BYTES] {
    [blue, green, red, 0]
}

/// Makes the pixels of a cell.
fn blend(cell: Cell) -> Box<Glyph> {
    let colour = |index: u8| PALETTE[usize::from(index & 0x0f)];
    let (front, back) = (colour(cell.style.foreground()), colour(cell.style.background()));
    let mut glyph = Box::new([[0; CELL_ROW_BYTES]; CELL_HEIGHT]);
    let pixels = glyph.as_flattened_mut().as_chunks_mut::<PIXEL_BYTES>().0;
    pixels.fill(pixel(back));
    let raster =
        get_raster(cell.character, WEIGHT, HEIGHT).or_else(|| get_raster(UNKNOWN, WEIGHT, HEIGHT));
    let coverages = raster.iter().flat_map(|raster| raster.pixels()).copied();
    for (target, coverage) in pixels.iter_mut().zip(coverages) {
        // Most pixels of a glyph are background.
        if coverage != 0 {
            *target = pixel([
                mix(front[0], back[0], coverage),
                mix(front[1], back[1], coverage),
                mix(front[2], back[2], coverage),
            ]);
        }
    }
    glyph
}

fn mix(front: u8, back: u8, coverage: u8) -> u8 {
    let [front, back, coverage] = [front, back, coverage].map(u32::from);
    ((front * coverage + back * (255 - coverage)) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::super::grid::{Grid, Style};
    use super::*;

    /// Plain memory that counts what is done to it.
    #[derive(Default)]
    struct Memory {
        bytes: Vec<u8>,
        writes: usize,
    }

    impl Surface for Memory {
        fn write(&mut self, offset: usize, bytes: &[u8]) {
            assert!(bytes.len() <= WRITE_LIMIT);
            self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
            self.writes += 1;
        }
        fn copy(&mut self, source: usize, target: usize, count: usize) {
            self.bytes.copy_within(source..source + count, target);
        }
    }

    /// A pitch wider than the row and sizes that leave a rest.
    const GEOMETRY: Geometry = Geometry { width: 200, height: 110, pitch: 832 };

    fn painter() -> Painter<Memory> {
        let bytes = vec![0xff; GEOMETRY.pitch * GEOMETRY.height];
        let mut painter = Painter::new(Memory { bytes, writes: 0 }, GEOMETRY);
        painter.blank();
        painter
    }

    fn grid() -> Grid {
        Grid::new(GEOMETRY.columns(), GEOMETRY.rows())
    }

    #[test]
    fn starts_blank() {
        let painter = painter();
        assert!(painter.surface.bytes.chunks(4).all(|found| found == pixel(PALETTE[0])));
    }

    #[test]
    fn incremental_painting_equals_painting_at_once() {
        let (mut slow, mut fast) = (painter(), painter());
        let (mut slow_grid, mut fast_grid) = (grid(), grid());
        let text =
            b"one\r\ntwo \x1b[31mred\x1b[0m\r\n\r\nfour\r\nfive\r\nsix\x1b[7m!\x1b[0m\r\nseven";
        for piece in text.chunks(5) {
            slow_grid.write(piece);
            slow.apply(&slow_grid.changes());
        }
        fast_grid.write(text);
        fast.apply(&fast_grid.changes());
        assert!(slow.surface.bytes == fast.surface.bytes);
    }

    #[test]
    fn one_character_costs_one_write_a_pixel_row() {
        let (mut painter, mut grid) = (painter(), grid());
        painter.apply(&grid.changes());
        painter.surface.writes = 0;
        grid.write(b"x");
        painter.apply(&grid.changes());
        assert_eq!(painter.surface.writes, CELL_HEIGHT);
    }

    #[test]
    fn another_painter_goes_on_where_this_one_was() {
        let text = b"one\r\n\x1b[31mtwo\r\n\n\n\nthree";
        let (mut painter, mut grid) = (painter(), grid());
        grid.write(text);
        painter.apply(&grid.changes());
        let mut next_grid = self::grid();
        next_grid.write(&grid.replay());
        next_grid.assume_shown();
        let mut next = Painter::new(painter.surface, GEOMETRY);
        next.surface.writes = 0;
        next.apply(&next_grid.changes());
        assert_eq!(next.surface.writes, CELL_HEIGHT, "only the cursor");
        for grid in [&mut grid, &mut next_grid] {
            grid.write(b" four");
        }
        next.apply(&next_grid.changes());
        grid.forget_shown();
        let mut whole = self::painter();
        whole.apply(&grid.changes());
        assert!(next.surface.bytes == whole.surface.bytes);
    }

    #[test]
    fn the_cache_may_overflow() {
        let (mut painter, mut fresh) = (painter(), painter());
        let mut grid = grid();
        for round in 0..60_u8 {
            grid.write(format!("\x1b[{}m", 30 + round % 8).as_bytes());
            grid.write(b"\x1b[Habcdefghijklmnopqrst");
            painter.apply(&grid.changes());
            assert!(painter.glyphs.known.len() <= CACHE_LIMIT);
        }
        let mut last = super::super::grid::Grid::new(GEOMETRY.columns(), GEOMETRY.rows());
        last.write(b"\x1b[33m\x1b[Habcdefghijklmnopqrst");
        fresh.apply(&last.changes());
        assert!(painter.surface.bytes == fresh.surface.bytes);
    }

    #[test]
    fn glyphs_have_their_colours() {
        let cell = Cell { character: 'M', style: Style(0x1f) };
        let glyph = blend(cell);
        let pixels = glyph.as_flattened();
        assert!(pixels.chunks(4).any(|found| found == pixel(PALETTE[15])));
        assert_eq!(pixels[..4], pixel(PALETTE[1]));
        let unknown = Cell { character: '\u{4e00}', style: Style::DEFAULT };
        assert_eq!(blend(unknown), blend(Cell { character: UNKNOWN, style: Style::DEFAULT }));
    }
}

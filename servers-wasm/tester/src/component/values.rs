//! Every kind of value, there and back.

use super::bindings::atoll::testing::echo::{self, Abilities, Colour, ErrorCode, Sample, Shape};
use crate::noise;
use atoll_sdk::report::Checks;

pub(super) fn check(checks: &mut Checks<'_>) {
    numbers(checks);
    bytes(checks);
    text(checks);
    samples(checks);
    shapes(checks);
    let quotients = [echo::divide(7, 2), echo::divide(u32::MAX, 1)];
    checks.check("a result that is a value", matches!(quotients, [Ok(3), Ok(u32::MAX)]));
    checks
        .check("a result that is an error", matches!(echo::divide(1, 0), Err(ErrorCode::Refused)));
}

fn numbers(checks: &mut Checks<'_>) {
    let answers = [0, 41, 0x7fff_ffff, u32::MAX].map(echo::increment);
    checks.check("numbers, wrapping", answers == [1, 42, 0x8000_0000, 0]);
}

fn bytes(checks: &mut Checks<'_>) {
    for (name, count) in [
        ("no bytes", 0),
        ("one byte", 1),
        ("64 bytes", 64),
        ("4,096 bytes", 4096),
        ("60,000 bytes", 60_000),
    ] {
        let data = noise(count);
        checks.check(name, echo::bytes(&data) == data);
    }
    checks.check("60,000 bytes one way", echo::measure(&noise(60_000)) == 60_000);
}

fn text(checks: &mut Checks<'_>) {
    checks.check("text", echo::shout("an atoll") == "AN ATOLL");
    checks.check("no text", echo::shout("").is_empty());
    checks.check(
        "text beyond ASCII",
        echo::shout("ñandú 環礁 \u{10ffff}") == "ñANDú 環礁 \u{10ffff}",
    );
    let long = "lagoon ".repeat(1000);
    checks.check("long text", echo::shout(&long) == long.to_uppercase());
}

fn samples(checks: &mut Checks<'_>) {
    checks.check("no records", echo::reverse(&[]).is_empty());
    let sent: Vec<Sample> = (0..20).map(sample).collect();
    let received = echo::reverse(&sent);
    let equal = received.len() == sent.len()
        && sent.iter().rev().zip(&received).all(|(a, b)| is_same(a, b));
    checks.check("records of everything", equal);
}

/// Record number `index`; the extremes of each type are among the first.
fn sample(index: u32) -> Sample {
    let numbers = [0, 1, i64::MAX, i64::MIN, -1];
    let ratios = [0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN, 1.0 / 3.0];
    let letters = ['a', '\0', '\u{d7ff}', '\u{e000}', '\u{10ffff}'];
    let colours = [Colour::Red, Colour::Green, Colour::Blue];
    let abilities = [
        Abilities::empty(),
        Abilities::WALK,
        Abilities::SWIM | Abilities::FLY,
        Abilities::WALK | Abilities::SWIM | Abilities::FLY,
    ];
    let place = index as usize;
    let pick = |length: usize| place % length;
    Sample {
        number: index.wrapping_mul(0x9e37_79b9),
        big: u64::MAX - u64::from(index),
        ratio: ratios[pick(ratios.len())],
        letter: letters[pick(letters.len())],
        yes: index % 2 == 1,
        text: "é".repeat(place),
        bytes: noise(place * 3),
        maybe: [None, Some(0), Some(i16::MIN), Some(i16::MAX)][pick(4)],
        pair: (u8::MAX - pick(256) as u8, numbers[pick(numbers.len())]),
        colour: colours[pick(colours.len())],
        abilities: abilities[pick(abilities.len())],
    }
}

/// Equality that tells zeros apart and finds NaN equal to itself.
fn is_same(a: &Sample, b: &Sample) -> bool {
    let ratio = a.ratio.to_bits() == b.ratio.to_bits() || a.ratio.is_nan() && b.ratio.is_nan();
    ratio
        && (a.number, a.big, a.letter, a.yes) == (b.number, b.big, b.letter, b.yes)
        && (&a.text, &a.bytes, a.maybe, a.pair) == (&b.text, &b.bytes, b.maybe, b.pair)
        && a.colour as u8 == b.colour as u8
        && a.abilities == b.abilities
}

fn shapes(checks: &mut Checks<'_>) {
    checks.check("a case without payload", matches!(echo::reshape(&Shape::Point), Shape::Point));
    let circle = echo::reshape(&Shape::Circle(1.5));
    checks.check("a case with a number", matches!(circle, Shape::Circle(radius) if radius == 1.5));
    for (name, count) in [("a case with an empty list", 0), ("a case with a list", 1000)] {
        let corners: Vec<(i32, i32)> = (0..count).map(|index| (index, -index)).collect();
        let same = match echo::reshape(&Shape::Polygon(corners.clone())) {
            Shape::Polygon(received) => received == corners,
            _ => false,
        };
        checks.check(name, same);
    }
}

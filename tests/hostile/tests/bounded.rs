//! The targets of fuzzing, each with its seeds and a fixed number of generated inputs; as many times
//! more as the variable `ATOLL_HOSTILE_TIMES` says.

use std::env;

use atoll_hostile::{TARGETS, Target, counts, seeds};

/// Numbers that are the same in every run.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound.max(1)
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let len = self.below(most);
        (0..len).map(|_| (self.next() >> 40) as u8).collect()
    }

    /// A seed with a few bytes changed, removed or added.
    fn near(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..1 + self.below(3) {
            if bytes.is_empty() {
                break;
            }
            let at = self.below(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, self.below(256) as u8),
                _ => bytes[at] = self.below(256) as u8,
            }
        }
        bytes
    }
}

/// Runs a target on its seeds and on `inputs` more; gives back the totals.
fn run(name: &str, inputs: usize) -> counts::Counts {
    let target = Target::named(name).expect("a target");
    let seeds = if seeds::folder(name).is_dir() { seeds::of(name) } else { Vec::new() };
    seeds.iter().for_each(|seed| target.run(seed));
    let mut generator = Generator(0x9E37_79B9_7F4A_7C15);
    let times = env::var("ATOLL_HOSTILE_TIMES").map_or(1, |times| times.parse().expect("a number"));
    for _ in 0..inputs * times {
        let input = match seeds.len() {
            0 => generator.bytes(800),
            len => {
                let seed = &seeds[generator.below(len)];
                generator.near(seed)
            }
        };
        target.run(&input);
    }
    let counts = counts::take();
    println!("{name}\n{counts}");
    counts
}

#[test]
fn every_target_has_a_name_of_its_own() {
    for target in TARGETS {
        assert_eq!(Target::named(target.name).map(|found| found.about), Some(target.about));
    }
}

#[test]
fn seeds_are_valid_and_run() {
    for (number, seed) in seeds::components().iter().enumerate() {
        Target::named("component").expect("a target").run(seed);
        assert_eq!(counts::take().total("components instantiated"), 1, "seed {number}");
    }
    assert!(seeds::components().len() > 20 && seeds::clients().len() > 5);
    assert!(seeds::servers().len() > 5);
}

#[test]
fn bytes_as_components() {
    let counts = run("component", 2000);
    assert!(counts.total("components instantiated") > 100);
}

#[test]
fn components_with_changes() {
    let counts = run("mutated", 3000);
    assert!(counts.total("components instantiated") > 800);
}

#[test]
fn values_of_hostile_guests() {
    let counts = run("lifting", 1500);
    assert!(counts.total("lifts") > 10_000);
    assert!(counts.total("lifts that gave a message") > 1000);
}

#[test]
fn canonical_options() {
    let counts = run("options", 1200);
    assert!(counts.total("components instantiated") > 500);
    assert!(counts.total("calls to the host") > 100);
}

#[test]
fn messages_to_servers() {
    let counts = run("message", 1000);
    assert!(counts.total("messages refused") > 200);
    assert!(counts.total("messages answered") > 200);
}

#[test]
fn descriptors_of_servers() {
    let counts = run("descriptor", 2000);
    assert!(counts.total("descriptors sound") > 50);
    assert!(counts.total("components linked") > 100);
}

#[test]
fn rewritten_modules() {
    let counts = run("rewrite", 1200);
    assert!(counts.total("components run both ways") > 250);
    assert!(counts.total("backtraces") > 0);
}

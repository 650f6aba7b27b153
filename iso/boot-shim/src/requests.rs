//! Finding the kernel's requests in its loaded image ("Features", "Requests Delimiters", "Base
//! protocol revisions").

use crate::Problem;

/// The base revision that the shim serves.
pub(crate) const BASE_REVISION: u64 = 2;

const COMMON: [u64; 2] = [0xc7b1_dd30_df4c_8b88, 0x0a82_e883_a194_f07b];
const START: [u64; 4] =
    [0xf6b8_f4b3_9de7_d1ae, 0xfab9_1a69_40fc_b9cf, 0x785c_6ed0_15d3_e316, 0x181e_920a_7852_b9d9];
const END: [u64; 2] = [0xadc0_e053_1bb1_0d03, 0x9572_709f_3176_4c62];
const BASE: [u64; 2] = [0xf956_2b2d_5c95_a6c8, 0x6a7b_3849_4453_6bdc];

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $first:literal, $second:literal;)*) => {
        /// The features that the shim answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Feature { $($(#[$doc])* $name,)* }

        impl Feature {
            const ALL: &'static [(Self, [u64; 2])] = &[$((Self::$name, [$first, $second]),)*];
        }
    };
}

features! {
    /// Name and version of the loader.
    BootloaderInfo = 0xf550_38d8_e2a1_202f, 0x2794_26fc_f5f5_9740;
    /// The kernel's command line.
    CommandLine = 0x4b16_1536_e598_651e, 0xb390_ad4a_2f1f_303a;
    /// BIOS or UEFI.
    FirmwareType = 0x8c2f_75d9_0bef_28a8, 0x7045_a468_8eac_00c3;
    /// Bytes of stack.
    StackSize = 0x224e_f046_0a8e_8926, 0xe1cb_0fc2_5f46_ea3d;
    /// Offset of the direct map.
    DirectMap = 0x48dc_f1cb_8ad2_b852, 0x6398_4e95_9a98_244b;
    /// Framebuffers.
    Framebuffer = 0x9d58_27dc_d881_dd75, 0xa314_8604_f6fa_b11b;
    /// Levels of paging.
    PagingMode = 0x95c1_a0ed_ab09_44cb, 0xa4e5_cb38_42f7_488a;
    /// The memory map.
    MemoryMap = 0x67cf_3d9d_378a_806f, 0xe304_acdf_c50c_3c62;
    /// Another entry than the file's.
    EntryPoint = 0x13d8_6c03_5a1c_d3e1, 0x2b0c_aa89_d8f3_026a;
    /// The kernel's file.
    KernelFile = 0xad97_e90e_83f1_ed67, 0x31eb_5d1c_5ff2_3b69;
    /// The modules.
    Modules = 0x3e7e_2797_02be_32af, 0xca1c_4f3b_d128_0cee;
    /// The ACPI root pointer.
    Rsdp = 0xc5e7_7b6b_397e_7b43, 0x2763_7845_accd_cf3c;
    /// The EFI system table.
    EfiSystemTable = 0x5ceb_a516_3eaa_f6d6, 0x0a69_8161_0cf6_5fcc;
    /// Seconds since 1970.
    BootTime = 0x5027_46e1_84c0_88aa, 0xfbc5_ec83_e632_7893;
    /// Where the kernel was put.
    KernelAddress = 0x71ba_7686_3cc5_5f63, 0xb264_4a48_c516_a487;
}

/// A request: its feature and the index of its first word in the image.
pub(crate) type Request = (Feature, usize);

/// Checks the kernel's base revision, tells it that it is served, and lists its requests.
pub(crate) fn find(image: &mut [u64]) -> Result<Requests, Problem> {
    let begin = image.windows(4).rposition(|words| words == START).map_or(0, |at| at + START.len());
    let end = image.windows(2).position(|words| words == END).unwrap_or(image.len());
    let area = image.get_mut(begin..end).ok_or(Problem::new("request markers are reversed", ""))?;
    let base = area.windows(2).position(|words| words == BASE).map(|at| at + 2);
    match base.and_then(|at| area.get_mut(at)) {
        Some(revision) if *revision == BASE_REVISION => *revision = 0,
        // A kernel of a later revision finds its number unchanged and judges for itself.
        Some(revision) if *revision > BASE_REVISION => {}
        _ => return Err(Problem::new("the kernel asks for a base revision below 2", "")),
    }
    Requests::collect(area, begin)
}

/// The requests of a kernel, at most one for each feature.
#[derive(Debug)]
pub(crate) struct Requests {
    found: [Option<Request>; Feature::ALL.len()],
}

impl Requests {
    fn collect(area: &[u64], begin: usize) -> Result<Self, Problem> {
        let mut found = [None; Feature::ALL.len()];
        for (at, words) in
            area.windows(4).enumerate().filter(|(_, words)| words.starts_with(&COMMON))
        {
            let Some(index) = Feature::ALL.iter().position(|(_, id)| words.ends_with(id)) else {
                continue;
            };
            if found[index].replace((Feature::ALL[index].0, begin + at)).is_some() {
                return Err(Problem::new("the kernel has the same request twice", ""));
            }
        }
        Ok(Self { found })
    }

    /// All requests.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Request> + use<'_> {
        self.found.iter().flatten().copied()
    }

    /// The first field behind the response pointer of a request, if it was made.
    pub(crate) fn argument(&self, image: &[u64], feature: Feature) -> Option<u64> {
        let (_, at) = self.iter().find(|request| request.0 == feature)?;
        image.get(at + 6).copied()
    }
}

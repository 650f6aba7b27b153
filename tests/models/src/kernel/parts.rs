//! What the kernel of the model consists of, and how it can be wrong.

/// Who waits for the answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A client.
    Client,
    /// A domain, on behalf of a client's call that it has taken, or its own.
    Domain(usize),
    /// Nobody: a domain has it to do for itself.
    Nobody,
}

/// A call: the client's, or one on its behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// Who waits for the answer.
    pub caller: Caller,
    /// Whose call it is in the end.
    pub client: usize,
    /// That client's number of it.
    pub number: u8,
}

/// What a domain does about the call that it has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// It has none.
    Idle,
    /// It has begun.
    Took(Call),
    /// It waits for the answer to its own call.
    Asked(Call),
    /// It has that answer, and whether it was one.
    Told(Call, bool),
}

/// Where a domain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Loading, to serve as soon as it can.
    Starting,
    /// Loading, to take over.
    Standby,
    /// Ready to take over.
    Prepared,
    /// Told to.
    TakingOver,
    /// Ready to serve.
    TookOver,
    /// Serving.
    Serving,
    /// Asked for its state.
    Quiescing,
    /// Has given it up.
    Frozen,
    /// Could not.
    Unsaved,
    /// Frozen while another one serves on probation.
    Replaced,
    /// No more.
    Ended,
}

/// One of the two versions of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The one before the swap.
    Old,
    /// The one after it.
    New,
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Domain {
    /// Which server it is, and which endpoint its.
    pub server: usize,
    /// Which version.
    pub version: Version,
    /// Where it is.
    pub mode: Mode,
    /// The domain that it has taken over from.
    pub replaces: Option<usize>,
    /// Whether that came back.
    pub is_reverted: bool,
    /// What it does.
    pub work: Work,
    /// Calls that it has not taken.
    pub inbox: Vec<Call>,
    /// Whether it changed since somebody looked.
    pub news: bool,
}

/// Where calls to one server go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Who serves them.
    pub bound: Option<usize>,
    /// Whether they wait all the same.
    pub hold: bool,
    /// Those that wait.
    pub held: Vec<Call>,
}

/// What a client has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Client {
    /// Whether it waits for the answer to its latest call, the number of which is that of the
    /// outcomes before it.
    pub waits: bool,
    /// For each call whether it was answered or failed.
    pub outcomes: Vec<bool>,
}

/// How the kernel, or who uses it, can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    /// Calls that a domain on probation had taken fail with it.
    NoProbation,
    /// Commit loses the calls that wait.
    LosesHeld,
    /// Commit does not look whether the domains have come so far.
    UncheckedCommit,
    /// Revert repeats what the new domain has taken, although it is not ended.
    EagerRevert,
    /// The supervisor does not thaw.
    NoThaw,
    /// The supervisor does not end the old version.
    NoKill,
    /// The supervisor does not know who calls whom.
    NoOrder,
    /// The new versions of a set reach each other by the endpoints, where calls wait.
    NoTwin,
    /// Revert lets the new versions go on until they are killed.
    MixingRevert,
    /// A supervisor that goes on does not know of a swap that was under way.
    ForgetsSwap,
    /// It rolls back even what was final.
    AlwaysBack,
}

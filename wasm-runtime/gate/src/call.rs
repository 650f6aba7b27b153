//! The calls through the gate, their arguments and their results, in one table.
//!
//! Notation of a line: arguments in register order, `->` the value. *handle* is an index into the
//! caller's handle table; *lengths* is [`crate::message::Lengths`] and describes the send area;
//! *deadline* is in nanoseconds of [`Call::Clock`], [`NO_DEADLINE`] waits for ever and 0 polls.
//! A call fails with [`Status::BadHandle`] for a handle that is empty or of another generation,
//! with [`Status::WrongKind`] for one of another kind of object, with [`Status::Denied`] where a
//! right is missing, and with [`Status::Invalid`] for a number out of range.

/// The interrupt vector of the gate; callable from ring 3.
pub const VECTOR: u8 = 0x80;

/// The deadline that never comes.
pub const NO_DEADLINE: u64 = u64::MAX;

macro_rules! numbered {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum $name { $($(#[$inner])* $variant = $number,)* }

        impl $name {
            /// Every member, in numeric order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Reads a number that came from the other side of the gate.
            #[must_use]
            pub const fn from_raw(raw: u64) -> Option<Self> {
                match raw {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

numbered! {
    /// The calls.
    Call {
        // Messages
        /// (handle of endpoint, method, lengths, deadline) -> 0. Sends a call and waits for its
        /// reply, which is in the receive area afterwards, its status in the header. Other events
        /// stay queued. With [`Status::TimedOut`] the call is cancelled: a later reply to it is
        /// dropped. Fails with [`Status::PeerRestarted`] when the server ends while it has the
        /// call or when a passed object is of an earlier life of its server, [`Status::Revoked`],
        /// [`Status::Deadlock`], [`Status::Closed`] and [`Status::QuotaExceeded`] (the server's
        /// call limit or handle limit); its handles have not moved then.
        Call = 1,
        /// (handle of endpoint, method, lengths) -> call id. Sends a call without waiting; the
        /// reply comes to the inbox, as does the status of a call that fails later. What waits is
        /// kept at the caller's expense. A moved handle is gone at once, a lent one can be used
        /// and lent on but neither moved nor closed until the reply.
        Send = 2,
        /// (call id, status, lengths) -> 0. Answers a received call, in any order. Fails with
        /// [`Status::Invalid`] if the caller has no such call, and with
        /// [`Status::QuotaExceeded`] if the client has no room for its handles or its bytes: the
        /// call is open then and can be answered otherwise. To a client that is gone the reply
        /// succeeds: moved handles are closed and minted objects come back as drops.
        Reply = 3,
        /// (call id, status, lengths, accept mask, deadline) -> 0. `Reply`, then `Wait`, if the
        /// reply succeeded. With a deadline [`Status::TimedOut`] tells of the `Wait`.
        ReplyWait = 4,
        /// (accept mask, deadline) -> 0. Takes the next accepted event into the receive area, or
        /// fails with [`Status::TimedOut`].
        Wait = 5,

        // Handles
        /// (handle) -> 0. Lets go of it; the last holder's close ends the object, a domain too.
        /// A borrowed handle, or one that is lent, is [`Status::Denied`].
        Close = 6,
        /// (handle, rights) -> new handle. A duplicate with at most these rights; needs
        /// [`rights::COPY`].
        Copy = 7,
        /// (serve handle, object id or [`REVOKE_ALL`]) -> number revoked. Makes every handle to
        /// the object fail with [`Status::Revoked`]. The drop comes when its holder lets go of it.
        Revoke = 8,
        /// (handle) -> [`ObjectKind`] in bits 0..8, rights in 8..32 and in 32..64 its extent:
        /// endpoint and object: endpoint id; capsule and domain: their ids; ports: count; window: pages; blob: bytes; else 0.
        Inspect = 9,

        // Endpoints
        /// (0) -> serve handle with all rights. Needs nothing: an endpoint nobody can reach is no
        /// authority. (serve handle, control handle) -> handle of the endpoint's twin, without the
        /// right to serve: where a standby domain that published on the endpoint serves the others
        /// of its set from when it took over until the commit, which makes the two one. Has the
        /// standby's interface; calls before fail with [`Status::Closed`].
        /// [`Status::NotFound`] if it published nothing there.
        CreateEndpoint = 10,
        /// (serve handle, badge, lengths) -> endpoint id. Binds the caller to the endpoint and
        /// publishes the payload as its interface; events carry the badge. Held calls follow. Of
        /// a standby domain all this happens at [`Call::CommitSwap`].
        Publish = 11,
        /// (handle of endpoint, offset) -> whole length. Copies the published interface from
        /// `offset` to the receive payload. [`Status::NotReady`] while nobody serves; with
        /// [`rights::SERVE`] only before the first `Publish`: what was published last is kept, at
        /// the expense of the domain that made the endpoint, as long as that lives and has room
        /// and somebody may serve.
        Describe = 12,

        // Byte streams and events
        /// (capacity in bytes) -> reader in bits 0..32, writer in 32..64. The capacity is rounded
        /// up to whole pages and counts against the caller's memory quota.
        CreatePipe = 13,
        /// () -> handle. An event that its signal right sets and its watch right waits for.
        CreateEvent = 14,
        /// (handle, offset, most bytes) -> bytes read into the receive payload. Pipe reader:
        /// offset ignored, [`Status::WouldBlock`] when empty, [`Status::Closed`] when empty and
        /// the writer is gone. Blob: from `offset`, [`Status::NotReady`] before it is sealed. Domain: its [`crate::record::DomainStatus`] or
        /// [`crate::record::Pulse`].
        /// System: records, see [`crate::record`]. Log: whole entries from sequence `offset` on.
        Read = 15,
        /// (handle, lengths) -> bytes taken. Pipe writer: as many as fit, [`Status::WouldBlock`]
        /// when full, [`Status::Closed`] when the reader is gone. Log: a level byte and text. Blob:
        /// all, or [`Status::Invalid`] if they are more than it lacks.
        Write = 16,
        /// (handle, token) -> 0. Asks for one notification with this token when the object is or
        /// becomes ready: pipe readable/writable/closed, event set, interrupt raised and not
        /// acknowledged, domain ready, ended, further in a swap or asked and answered since its
        /// status was last read by this handle, log longer than last read by this handle. A second watch replaces the first.
        Watch = 17,
        /// (handle) -> 0. Takes back a watch and a notification of it that is still queued.
        Unwatch = 18,
        /// (handle, value) -> old state. Event: sets it (1) or clears it (0). Interrupt: value is
        /// ignored; acknowledges it, so that the line is unmasked and can be raised again.
        /// Endpoint: while nobody serves it, calls wait (1, as at first) or fail with
        /// [`Status::Closed`] (0), those that wait already too.
        Signal = 19,

        // Memory
        /// (address, pages) -> 0. Backs free pages of the heap range with zeroed frames, or fails
        /// whole with [`Status::OutOfMemory`] or [`Status::QuotaExceeded`].
        Commit = 20,
        /// (address, pages) -> 0. Gives pages of the heap range back; within a reserved part, as far
        /// as they are there.
        Release = 21,
        /// (address, pages) -> 0. Reserves a part of the heap range: from now on a page of it that
        /// is not there is backed, and counted, when it is touched. If that cannot be, the domain
        /// ends with [`crate::record::Cause::OutOfMemory`]. Takes the place of the part that starts
        /// there; 0 pages forget that one and leave its pages. At most 512 parts.
        Reserve = 33,
        /// (pages) -> 0. Whether so many pages could be backed now: [`Status::QuotaExceeded`] or
        /// [`Status::OutOfMemory`] if not. Takes nothing.
        Room = 34,

        // Devices
        /// (system handle, [`DeviceKind`], base, length) -> handle. Interrupt: base is the global
        /// system interrupt. Ports: base and count. Window: physical base and bytes, page aligned,
        /// outside RAM. With [`SHARE`] added to the kind, another handle to the identical object
        /// if there is one; without, [`Status::Exists`].
        CreateDevice = 22,
        /// (handle of window) -> address in the region range. Maps it uncached, or write-combined
        /// if it is the framebuffer, until the handle is closed or moved; once for each handle.
        MapWindow = 23,
        /// (handle of ports, offset | width in bytes << 16 | 1 << 24 for a write, value) -> value
        /// read. One access of 1, 2 or 4 bytes within the granted ports.
        PortAccess = 24,

        // Time
        /// () -> nanoseconds since boot, never going back.
        Clock = 25,

        // Domains
        /// (system handle, blob handle, lengths) -> control handle. Payload: a
        /// [`crate::start::DomainConfig`]. The domain exists but does not run.
        CreateDomain = 26,
        /// () -> 0 in the caller, 1 in each clone. Keeps the caller's memory and registers, as they
        /// are now, for [`Call::CloneDomain`]. [`Status::Invalid`] once it is ready, serves an
        /// endpoint, has a window mapped, a call sent or received, or an object handed out;
        /// [`Status::Exists`] a second time and in a clone; [`Status::QuotaExceeded`] if its quota
        /// has no room. The kernel gives it up again when the domain's quota needs the memory and
        /// there is no clone.
        Snapshot = 35,
        /// (control handle, 1 for a standby or 0) -> control handle of another domain that begins
        /// with the snapshot of the first, which may have ended, and with its configuration. It
        /// does not run; its first instruction is that after [`Call::Snapshot`], which gives 1 and
        /// has the start record in the receive area. [`Status::NotReady`] if there is no snapshot,
        /// [`Status::QuotaExceeded`] if it does not fit the quota.
        CloneDomain = 36,
        /// (control handle, lengths) -> 0. Delivers the start record with its handles and lets
        /// the domain run.
        StartDomain = 27,
        /// (control handle) -> 0. Ends the domain now and frees all that it had but its snapshot;
        /// of one that has ended, lets go of that too.
        KillDomain = 28,
        /// (lengths, bytes) -> 0. Tells whoever watches the domain that it is ready to serve; of a standby
        /// domain that it is prepared, and later that it took over; of a thawed one that it has what
        /// it needs of its saved state, which is dropped. The payload of a standby domain is its
        /// note for the domain that it replaces, of so many bytes and at most
        /// [`crate::message::MAX_NOTE`], and behind it what clients of that would miss, in words.
        Ready = 29,
        /// (percent) -> 0. How much of its component the calling domain has loaded, at most 100, for
        /// whoever reads its status.
        Loaded = 63,
        /// ([`crate::record::Cause`], code, lengths) -> never. Ends the calling domain; the
        /// payload is the reason in words.
        Exit = 30,

        // Machine
        /// (system handle, lengths) -> blob handle. Payload: the name of a boot module, or of another
        /// sealed blob.
        OpenBlob = 31,
        /// (system handle, [`Power`]) -> never, or [`Status::Unsupported`].
        Power = 32,

        // Swaps: see [`crate::record::Phase`] for the way of the two domains. A call that does not
        // fit the phase of a domain is [`Status::NotReady`] and changes nothing.
        /// (control handle, control handle of a prepared domain) -> 0. Calls to the endpoints of the
        /// first, which serves, wait from now on, those too that it has not taken. When it has
        /// answered those it took and waits, it gets [`crate::message::EventKind::Quiesce`] with the
        /// note of the second. Without a second, 0, there is no note.
        Quiesce = 37,
        /// (lengths) -> bytes saved in all. Appends the payload to the caller's saved state, and
        /// its handles, which all have to move. Counts against the caller's quota.
        SaveState = 38,
        /// (status, lengths) -> 0, when the domain is thawed. The caller saved its state, or could
        /// not: then the payload is the reason in words.
        Freeze = 39,
        /// (control handle) -> 0. Calls go to the domain again, at whatever point it was between
        /// [`Call::Quiesce`] and [`Call::CommitSwap`].
        Thaw = 40,
        /// (control handle of a frozen domain, control handle of a prepared one) -> 0. The second
        /// gets [`crate::message::EventKind::TakeOver`] and reads the state of the first.
        TakeOver = 41,
        /// (offset, number of a handle) -> bytes of the saved state in bits 0..32, handles in
        /// 32..64. Copies the state from `offset` on to the receive payload, and duplicates of the
        /// handles from that number on to its slots; the header says how many. The caller's own
        /// state after a thaw, else that of the domain that it takes over from.
        ReadState = 42,
        /// (lengths) -> 0. Payload: pairs of control handles, each 32 bits, of a frozen domain and
        /// of the one that took over from it. All or nothing: what the new ones published is bound,
        /// objects that wait to be dropped move, held calls follow. The old ones stay frozen until
        /// they are killed, which makes the swap final; until then a new one that ends gives its
        /// endpoints back and its calls are held.
        CommitSwap = 43,
        /// (lengths) -> 0. Payload as for `CommitSwap`. All or nothing: the old domains serve again,
        /// what the new ones minted is stale, waiting calls go to the old ones. The new ones end;
        /// what they took goes to the old ones, too, if it can be repeated, but not what they asked
        /// of each other.
        RevertSwap = 44,

        // Memory in a swap
        /// (address, bytes) -> number of the offer. Adds a part of the heap range to the caller's
        /// saved state, as it will be when the caller is frozen. Nothing is copied.
        OfferMemory = 53,
        /// (number of an offer, offset, address, bytes) -> 0. Copies from what the domain that the
        /// caller takes over from has offered to the caller's own heap, at most
        /// [`crate::message::MAX_PAYLOAD`] bytes. What either side has reserved and not touched reads
        /// as zeros and is backed where it is written. [`Status::Invalid`] if either range is not the
        /// domain's.
        TakeMemory = 54,

        // Probes
        /// (control handle, number) -> 0. Has a domain that is ready asked whether it works: it gets
        /// [`crate::message::EventKind::Probe`] when it next waits for calls, before these. A probe that it has not
        /// taken yet gives way to this one. [`Status::NotReady`] if it is not ready to serve.
        Probe = 45,
        /// (number, status, lengths) -> 0. Answers the probe that the caller took; its
        /// [`crate::record::Pulse`] has the answer. With another status than [`Status::Ok`] the
        /// payload says what is wrong, in words. [`Status::Invalid`] for another number.
        AnswerProbe = 46,

        // Capsules: see [`crate::capsule`].
        /// (system handle, bytes) -> handle of a new capsule, with all rights. It lives while
        /// somebody holds it. The bytes are its limit and count, all of them, against the caller.
        CreateCapsule = 47,
        /// (handle of capsule, number) -> bytes of that record, which are in the receive payload;
        /// [`Status::NotFound`] if there is none. Numbers beyond 32 bits stand for more:
        /// [`crate::capsule::NUMBERS`], [`crate::capsule::ROOM`].
        ReadCapsule = 48,
        /// (handle of capsule, number, lengths) -> 0. The payload takes the place of that record;
        /// an empty one removes it. [`Status::QuotaExceeded`], and nothing has changed, if the
        /// capsule has no room.
        WriteCapsule = 49,

        // Blobs: see [`crate::blob`].
        /// (system handle, bytes, lengths) -> handle of a new blob, to read, write and copy.
        /// Payload: its name. [`Call::Write`] fills it from the front to the back; when it has all
        /// of its bytes it is sealed: it can be opened by its name, read and run, and not be
        /// changed any more. It lives while somebody holds it or a domain runs it, and its pages
        /// count against the caller. [`Status::Exists`] if there is a blob of that name, a boot
        /// module included.
        CreateBlob = 59,

        // The first domain and its successors; for others these are [`Status::Denied`].
        /// ([`ObjectKind`], n) -> handle. A duplicate of the n-th endpoint, control handle or
        /// handle of a capsule that the domain had which the caller succeeds.
        /// [`Status::NotFound`] past the last one.
        Adopt = 50,
        /// () -> 0. The caller has adopted what it wants; what else the one before had is closed.
        Settle = 51,
        /// (control handle, deadline, nanoseconds) -> 0. Lets a domain succeed the caller that
        /// [`Call::CreateSuccessor`] made and that is prepared: the caller is quiesced, the other
        /// takes over and serves in its place, and the caller is ended. If that is not done at the
        /// deadline, or fails, the caller goes on and the other is ended. If the successor ends
        /// sooner than so many nanoseconds later, another life of the caller's component succeeds it.
        Succeed = 52,
        /// (system handle, blob handle) -> control handle. Makes a standby domain for a component
        /// with all that the caller was started with, and lets it prepare itself. There is one at
        /// a time: an earlier one is ended.
        CreateSuccessor = 58,

        // Heirs
        /// (control handle of a domain that serves, control handle of a prepared one) -> 0. When
        /// the first fails, which is any end but being killed or exiting with 0, the second gets
        /// [`crate::message::EventKind::Inherit`] and, when it is ready, serves in its place. Whoever watches
        /// them is told a millisecond later, of both. The last heir that was named counts.
        /// [`Status::NotReady`] if one of them is in another phase.
        SetHeir = 57,
    }
}

numbered! {
    /// The result of a gate call, in `rax`; also the status of a reply.
    Status {
        /// Done.
        Ok = 0,
        /// The call number is not in the table.
        UnknownCall = 1,
        /// An argument is out of range or the payload is malformed.
        Invalid = 2,
        /// The handle is empty or of an older generation.
        BadHandle = 3,
        /// The handle names another kind of object than the call needs.
        WrongKind = 4,
        /// The handle lacks the right.
        Denied = 5,
        /// The machine has no frame or kernel slot left.
        OutOfMemory = 6,
        /// The domain's own quota of memory, handles or calls is used up.
        QuotaExceeded = 7,
        /// The deadline passed.
        TimedOut = 8,
        /// Nothing to read or no room to write now.
        WouldBlock = 9,
        /// The other end is gone for good.
        Closed = 10,
        /// The endpoint has no published interface yet.
        NotReady = 11,
        /// The server ended while it had this call, or ended since the object was made.
        PeerRestarted = 12,
        /// The object was revoked.
        Revoked = 13,
        /// The receiver found the message malformed and answered without running it.
        Refused = 14,
        /// The caller is itself waiting for the domain it calls.
        Deadlock = 15,
        /// Something of that name, range or address exists already.
        Exists = 16,
        /// No such module, record or device.
        NotFound = 17,
        /// The machine cannot do this.
        Unsupported = 18,
    }
}

numbered! {
    /// What a handle names.
    ObjectKind {
        /// A place to send calls to, or, with [`rights::SERVE`], to answer them.
        Endpoint = 1,
        /// An object that a server minted.
        Object = 2,
        /// The reading end of a pipe.
        PipeReader = 3,
        /// The writing end of a pipe.
        PipeWriter = 4,
        /// An event.
        Event = 5,
        /// An interrupt line.
        Interrupt = 6,
        /// A range of I/O ports.
        Ports = 7,
        /// A window of physical addresses.
        Window = 8,
        /// Read-only bytes: a boot module, or what was made at run time.
        Blob = 9,
        /// A domain, for whoever supervises it.
        Domain = 10,
        /// The kernel log.
        Log = 11,
        /// The machine: what rights it carries decides what it is good for.
        System = 12,
        /// Bytes that outlive who wrote them.
        Capsule = 13,
    }
}

numbered! {
    /// Kinds of device objects, for [`Call::CreateDevice`].
    DeviceKind {
        /// One global system interrupt.
        Interrupt = 1,
        /// A range of I/O ports.
        Ports = 2,
        /// A window of physical addresses.
        Window = 3,
    }
}

numbered! {
    /// What [`Call::Power`] does.
    Power {
        /// Switch off; under a test the exit code is that of the command line.
        Off = 1,
        /// Start again.
        Reboot = 2,
    }
}

/// Added to a [`DeviceKind`]: the object may exist already.
pub const SHARE: u64 = 1 << 8;

/// Object id that stands for all objects of an endpoint in [`Call::Revoke`].
pub const REVOKE_ALL: u64 = u64::MAX;

/// Rights of a handle, 24 bits. A copy or a transfer can only take rights away.
pub mod rights {
    /// May be duplicated.
    pub const COPY: u32 = 1 << 0;
    /// Endpoint: may send calls.
    pub const CALL: u32 = 1 << 1;
    /// Endpoint: may publish, receive, mint and revoke.
    pub const SERVE: u32 = 1 << 2;
    /// Pipe reader, blob, log, system, domain, capsule: may read.
    pub const READ: u32 = 1 << 3;
    /// Pipe writer, log, capsule, blob: may write.
    pub const WRITE: u32 = 1 << 4;
    /// Event, interrupt: may signal or acknowledge. Endpoint: may say whether calls wait.
    pub const SIGNAL: u32 = 1 << 5;
    /// May watch for readiness.
    pub const WATCH: u32 = 1 << 6;
    /// Domain: may start and kill. System: may create domains and open boot modules.
    pub const CONTROL: u32 = 1 << 7;
    /// System: may create device objects.
    pub const DEVICES: u32 = 1 << 8;
    /// System: may switch off and reboot.
    pub const POWER: u32 = 1 << 9;
    /// Endpoint: a call that passes no handles and that its server had taken when it ended waits
    /// for the next server, instead of failing.
    pub const RETRY: u32 = 1 << 10;
    /// Every right.
    pub const ALL: u32 = (1 << 11) - 1;
}

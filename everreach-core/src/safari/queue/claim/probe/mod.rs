//! Whether there is anything to claim or to put in order, found without reading the rows.

mod store;

#[cfg(test)]
pub(super) use store::PROBE;
pub(in crate::safari::queue) use store::probe;

/// What there is to do.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
pub(in crate::safari) struct Probe {
    /// Leases lapsed.
    pub(in crate::safari::queue) lapsed: bool,
    /// Rows of other programs wait to be looked at.
    pub(in crate::safari::queue) new: bool,
    /// Rows whose time has come.
    pub(in crate::safari::queue) due: bool,
    /// Questions that nobody answered in time.
    pub(in crate::safari::queue) approvals: bool,
    /// Something that needs no browser can be claimed.
    pub(in crate::safari::queue) free: bool,
    /// Something that needs the browser may be claimed, if its rules let it.
    pub(in crate::safari::queue) browser: bool,
}

impl Probe {
    pub(in crate::safari) const fn is_nothing(self) -> bool {
        !(self.free || self.browser || self.is_out_of_order())
    }

    /// Whether something has to be put in order before a claim.
    pub(in crate::safari::queue) const fn is_out_of_order(self) -> bool {
        self.lapsed || self.new || self.due || self.approvals
    }

    /// Whether what can be claimed may need a service.
    pub(in crate::safari) const fn is_more_than_free(self) -> bool {
        self.browser || self.is_out_of_order()
    }
}

//! What the caller supplies: the look-ups, and a place for messages.

/// The look-ups. Each is called at most once for an address, and only where `blocked_emails` names its type.
///
/// `domain` is the ASCII form of the domain in lower case (`xn--…` for an internationalised label), or the address
/// literal in brackets in its shortest form; `email` is the local part as it was written, `@`, and that domain.
pub trait Overrides {
    /// Whether anybody can open a mailbox at this domain free of charge. Asked for `FREE`.
    fn is_free_email(&self, domain: &str) -> bool;
    /// Whether the domain hands out mailboxes meant to be thrown away. Asked for `DISPOSABLE`.
    fn is_disposable_email(&self, domain: &str) -> bool;
    /// Whether the domain says who receives its mail. Asked for `NO_MX_RECORDS`.
    fn has_mx_records(&self, domain: &str) -> bool;
    /// Whether the address has a Gravatar picture. Asked for `NO_GRAVATAR`.
    fn has_gravatar(&self, email: &str) -> bool;
}

/// Where messages for the people who run the service go. No message holds an address or a part of one, so that a log
/// never becomes a list of customers. A method that is not implemented drops its messages.
pub trait Logger {
    /// Detail for whoever looks for a fault: why an address is not well formed, or which types applied.
    fn debug(&self, _message: &str) {}
    /// An event of ordinary work.
    fn log(&self, _message: &str) {}
    /// Something that works and probably is not meant.
    fn warn(&self, _message: &str) {}
    /// Something that does not work: options that cannot be understood.
    fn error(&self, _message: &str) {}
}

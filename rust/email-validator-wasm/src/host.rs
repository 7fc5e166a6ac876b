//! A host for where there is none, outside of WebAssembly: its answers depend on nothing but the question.

pub(crate) mod overrides {
    pub(crate) fn is_free_email(domain: &str) -> bool {
        domain.len().is_multiple_of(2)
    }

    pub(crate) fn is_disposable_email(domain: &str) -> bool {
        domain.len().is_multiple_of(3)
    }

    pub(crate) fn has_mx_records(domain: &str) -> bool {
        !domain.len().is_multiple_of(5)
    }

    pub(crate) fn has_gravatar(email: &str) -> bool {
        !email.len().is_multiple_of(7)
    }
}

pub(crate) mod logger {
    pub(crate) fn debug(_: &str) {}
    pub(crate) fn log(_: &str) {}
    pub(crate) fn warn(_: &str) {}
    pub(crate) fn error(_: &str) {}
}

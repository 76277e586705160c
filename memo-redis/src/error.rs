//! Errors of the crate redis and of servers, as a [`StoreError`] without secrets.

use memo_core::remote::StoreError;
use redis::{RedisError, ServerError};

/// What a server says about an unknown command is followed by the arguments, and these may be a value.
const ARGUMENTS: &str = ", with args beginning with";

/// A command failed, or connecting did.
pub(crate) fn from_redis(error: &RedisError) -> StoreError {
    match error.code() {
        Some(code) => refused(code, error.detail()),
        None if error.is_timeout() => silent(),
        None => disconnected(without_arguments(&error.to_string())),
    }
}

/// The server answered with an error.
pub(crate) fn from_server(error: &ServerError) -> StoreError {
    refused(error.code(), error.details())
}

pub(crate) fn disconnected(reason: impl Into<String>) -> StoreError {
    StoreError::Disconnected(reason.into())
}

/// There was no answer for so long that the connection counts as ended.
pub(crate) fn silent() -> StoreError {
    disconnected("the server did not answer in time")
}

/// Makes an error with which connecting failed one that says that there is no connection.
pub(crate) fn while_connecting(error: StoreError) -> StoreError {
    match error {
        StoreError::Refused(reason) => StoreError::Disconnected(reason),
        error => error,
    }
}

/// The answer is not what the command returns. `what` says what was asked.
pub(crate) fn unexpected(what: &str) -> StoreError {
    StoreError::Refused(format!("the server gave a wrong answer {what}"))
}

fn refused(code: &str, detail: Option<&str>) -> StoreError {
    let detail = without_arguments(detail.unwrap_or_default());
    StoreError::Refused(format!("{code} {detail}").trim_end().to_owned())
}

fn without_arguments(text: &str) -> &str {
    text.split(ARGUMENTS).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_does_not_show_its_arguments() {
        let detail = "unknown command 'EVAL', with args beginning with: 'secret' ";
        assert_eq!(
            refused("ERR", Some(detail)),
            StoreError::Refused("ERR unknown command 'EVAL'".to_owned())
        );
        assert_eq!(refused("LOADING", None), StoreError::Refused("LOADING".to_owned()));
    }
}

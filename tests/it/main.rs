//! Behaviour of memokit as a user meets it, a module a subject.

mod basics;
mod keys;
mod sets;
mod ui;
mod verify;

//! A report as a page of HTML: one file that needs nothing from elsewhere.

mod chart;
mod document;
mod overview;
mod section;
mod text;

//! A company of real processes under load, and what it takes to measure it.

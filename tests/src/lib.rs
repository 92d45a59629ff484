//! Tests of the whole: the rules of the house, the suite end to end, dashboards, documentation. This library is empty; the
//! tests are the folders beside it.

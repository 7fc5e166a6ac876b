//! Collects what `signal_stats_build_info` tells.

fn main() {
    boundary_build::emit_build_info(&[]);
}

//! Build script: the linker flags that a Node addon needs, only when the boundary is built.

fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}

//! GELU, SiLU and SwiGLU with their gradients.

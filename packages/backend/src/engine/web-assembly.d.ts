/** The part of WebAssembly's interface that the engine uses; the compiler knows it only along with all of the DOM. */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  function instantiate(bytes: ArrayBuffer): Promise<{ instance: { exports: object } }>;
}

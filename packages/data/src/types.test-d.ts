import { expectTypeOf } from "vitest";
import type { HeldOut } from "./held-out.ts";
import type { TokenSource } from "./token-source.ts";

expectTypeOf<HeldOut>().not.toExtend<TokenSource>();
expectTypeOf<HeldOut>().not.toExtend<ArrayLike<number>>();

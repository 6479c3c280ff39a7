// What a package is like that does not load.
throw new Error("its library is missing");

throw new Error("failed on purpose");

import {Hono} from "hono"; import {z} from "zod"; import * as o from "@hono/zod-openapi"; import * as t from "@huggingface/tokenizers"; import * as j from "@huggingface/jinja"; import * as g from "@huggingface/gguf"; import * as h from "@huggingface/hub";
console.log(Object.keys(t),Object.keys(j),Object.keys(g),Object.keys(h));

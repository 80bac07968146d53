/**
 * ONNX graphs, built in memory.
 *
 * @module
 */
import onnxProto from "onnx-proto";

const { ModelProto, TensorProto, AttributeProto } = onnxProto.onnx;

/** Types of the tensors that cross a graph's border. */
export type ElementType = "float32" | "uint8";

const ELEMENT_TYPES: Readonly<Record<ElementType, number>> = {
  float32: TensorProto.DataType.FLOAT,
  uint8: TensorProto.DataType.UINT8,
};

/** A size, or the name of one that a run decides. */
export type Dimension = number | string;

/** What an operator does beside its inputs: whole numbers, or a real one in `{ f }`. */
type Attributes = Readonly<Record<string, number | { readonly f: number }>>;

/** The contributed operators of ONNX Runtime. */
export const MICROSOFT = "com.microsoft";

/** A graph under construction. Names of values are strings. */
export class OnnxGraph {
  readonly #nodes: object[] = [];
  readonly #inputs: object[] = [];
  readonly #outputs: object[] = [];
  readonly #constants: object[] = [];

  /** Declares an input; gives its name. */
  input(
    name: string,
    type: ElementType,
    dimensions: readonly Dimension[],
  ): string {
    this.#inputs.push(declaration(name, type, dimensions));
    return name;
  }

  /** Declares that the value `name` is an output. */
  output(name: string, dimensions: readonly Dimension[]): void {
    this.#outputs.push(declaration(name, "float32", dimensions));
  }

  /** A constant list of whole numbers; gives its name. */
  integers(name: string, values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    this.#constants.push({
      name,
      dims: [values.length],
      dataType: TensorProto.DataType.INT64,
      rawData: new Uint8Array(data.buffer),
    });
    return name;
  }

  /**
   * Adds an operator that computes the values `outputs`; an empty name is an output that nobody wants.
   *
   * @returns The first of `outputs`.
   */
  node(
    operator: string,
    inputs: readonly string[],
    outputs: string | readonly string[],
    attributes: Attributes = {},
    domain = "",
  ): string {
    const names = typeof outputs === "string" ? [outputs] : [...outputs];
    this.#nodes.push({
      opType: operator,
      name: names[0],
      domain,
      input: [...inputs],
      output: names,
      attribute: Object.entries(attributes).map(([name, value]) =>
        typeof value === "number"
          ? { name, type: AttributeProto.AttributeType.INT, i: value }
          : { name, type: AttributeProto.AttributeType.FLOAT, f: value.f }
      ),
    });
    return names[0];
  }

  /** The model file that holds the graph. */
  encode(): Uint8Array {
    return ModelProto.encode(ModelProto.create({
      irVersion: 9,
      opsetImport: [{ domain: "", version: 21 }, {
        domain: MICROSOFT,
        version: 1,
      }],
      graph: {
        name: "step",
        node: this.#nodes,
        input: this.#inputs,
        output: this.#outputs,
        initializer: this.#constants,
      },
    })).finish();
  }
}

function declaration(
  name: string,
  type: ElementType,
  dimensions: readonly Dimension[],
): object {
  const dim = dimensions.map((size) =>
    typeof size === "number" ? { dimValue: size } : { dimParam: size }
  );
  return {
    name,
    type: { tensorType: { elemType: ELEMENT_TYPES[type], shape: { dim } } },
  };
}

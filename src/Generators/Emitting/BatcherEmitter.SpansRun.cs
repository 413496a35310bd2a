using System.Collections.Generic;
using System.Linq;
using FastBatch.Generators.Specs;

namespace FastBatch.Generators.Emitting;

/// <summary>The call of a method over spans, which reads its inputs and writes its outputs where they lie.</summary>
internal sealed partial class BatcherEmitter
{
    private void EmitSpansRun(string method)
    {
        if (_method.Parameters.Any(static parameter => parameter.BatchDim > 0))
        {
            _writer.Line();
            _writer.Line("// Each row is contiguous, wherever the batch dimension stands. A dimension of length 1 has stride 0.");
        }

        _writer.Line($"{method}(");
        _writer.List([.. _names.Parameters.Select(View)], ");");
    }

    // The rows of the batch, as the method sees them.
    private static string View(NamedParameter parameter)
    {
        ParameterSpec spec = parameter.Spec;
        string rows = spec.IsInput ? $"{parameter.Field}.Rows(batch)" : $"outputs.{parameter.Member}.Rows(batch)";
        if (!spec.IsTensor)
        {
            return rows;
        }

        string type = spec.IsInput ? "ReadOnlyTensorSpan" : "TensorSpan";
        string strides = spec.BatchDim == 0 ? "" : $", [{string.Join(", ", Strides(spec))}]";
        return $"new global::System.Numerics.Tensors.{type}<{parameter.Element}>({rows}, {Lengths(spec)}{strides})";
    }

    // Row-major within a row; from one row to the next, a row's length.
    private static IEnumerable<string> Strides(ParameterSpec spec)
    {
        var strides = new List<string>();
        int stride = 1;
        foreach (int dimension in spec.Row.Reverse())
        {
            strides.Insert(0, dimension == 1 ? "0" : RowText.Number(stride));
            stride *= dimension;
        }

        strides.Insert(spec.BatchDim, $"batch.Count == 1 ? 0 : {RowText.Number(stride)}");
        return strides;
    }
}

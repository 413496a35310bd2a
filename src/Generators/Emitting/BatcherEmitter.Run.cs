using System.Collections.Generic;
using System.Linq;
using FastBatch.Generators.Specs;

namespace FastBatch.Generators.Emitting;

/// <summary>What the batcher does for a batch: memory for its outputs, and the call of the method.</summary>
internal sealed partial class BatcherEmitter
{
    private void EmitCreateOutputs()
    {
        _writer.Line();
        _writer.Lines($"""
            /// <inheritdoc/>
            protected override global::FastBatch.Lanes.OutputSlab CreateOutputs(int maxRows) => new {_names.Outputs}(maxRows);
            """);
    }

    private void EmitRun()
    {
        string target = _method.IsStatic ? _method.TargetType : _names.Target;
        _writer.Line();
        _writer.Open("""
            /// <inheritdoc/>
            protected override void Run(global::FastBatch.Lanes.Batch batch)
            """);
        _writer.Line($"{_names.Outputs} outputs = ({_names.Outputs})batch.Outputs;");
        if (_method.Parameters.Any(static parameter => parameter.BatchDim > 0))
        {
            _writer.Line();
            _writer.Line("// Each row is contiguous, wherever the batch dimension stands. A dimension of length 1 has stride 0.");
        }

        _writer.Line($"{target}.{Identifiers.Escape(_method.MethodName)}(");
        _writer.List([.. _names.Parameters.Select(View)], ");");
        _writer.Close();
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
        return $"new global::System.Numerics.Tensors.{type}<{parameter.Element}>({rows}, [{string.Join(", ", Lengths(spec))}]{strides})";
    }

    private static IEnumerable<string> Lengths(ParameterSpec spec)
    {
        List<string> lengths = [.. spec.Row.Select(RowText.Number)];
        lengths.Insert(spec.BatchDim, "batch.Count");
        return lengths;
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

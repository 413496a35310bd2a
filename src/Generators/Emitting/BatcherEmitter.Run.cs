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
        if (_method.Family != MethodFamily.Spans)
        {
            _writer.Line();
            _writer.Lines("""
                /// <inheritdoc/>
                protected override bool TakesTensors => true;
                """);
        }

        _writer.Line();
        _writer.Open("""
            /// <inheritdoc/>
            protected override void Run(global::FastBatch.Lanes.Batch batch)
            """);
        _writer.Line($"{_names.Outputs} outputs = ({_names.Outputs})batch.Outputs;");
        string target = _method.IsStatic ? _method.TargetType : $"{_names.Models}[batch.DeviceNumber]";
        string method = $"{target}.{Identifiers.Escape(_method.MethodName)}";
        switch (_method.Family)
        {
            case MethodFamily.NativeTensors:
                EmitNativeTensorsRun(method);
                break;
            case MethodFamily.TorchSharpTensors:
                EmitTorchSharpRun(method);
                break;
            default:
                EmitSpansRun(method);
                break;
        }

        _writer.Close();
    }

    // The shape of the whole batch.
    private static string Lengths(ParameterSpec spec)
    {
        List<string> lengths = [.. spec.Row.Select(RowText.Number)];
        lengths.Insert(spec.BatchDim, "batch.Count");
        return $"[{string.Join(", ", lengths)}]";
    }
}

using System;
using System.Linq;

namespace FastBatch.Generators.Emitting;

/// <summary>The outputs of a batch, and how a request takes its own: as a copy, or as a lease.</summary>
internal sealed partial class BatcherEmitter
{
    private string LeaseType => _method.HasLeaseType ? _names.Lease : $"global::FastBatch.RowLease<{_names.ArrayOutputs[0].Element}>";

    // What is returned by value: nothing (null), a value, or a tuple whose elements are named as the properties of the lease.
    private string? CopyResultType => _names.ScalarOutputs.Count switch
    {
        0 => null,
        1 => _names.ScalarOutputs[0].Element,
        _ => $"({string.Join(", ", _names.ScalarOutputs.Select(static output => $"{output.Element} {TupleElement(output)}"))})",
    };

    private static string PendingRequest(string? result) =>
        "global::FastBatch.Completion.PendingRequest" + (result is null ? "" : $"<{result}>");

    // Some names belong to tuples themselves.
    private static string TupleElement(NamedParameter output)
    {
        string name = output.Member;
        bool isReserved = name is "CompareTo" or "Deconstruct" or "Equals" or "GetHashCode" or "Rest" or "ToString"
            || (name.StartsWith("Item", StringComparison.Ordinal) && name.Skip(4).All(char.IsDigit));
        return isReserved ? name + "_" : name;
    }

    private void EmitOutputs()
    {
        _writer.Line();
        _writer.Open($"private sealed class {_names.Outputs} : global::FastBatch.Lanes.OutputSlab");
        _writer.Open($"""
            public {_names.Outputs}(int maxRows)
                : base(maxRows)
            """);
        foreach (NamedParameter output in _names.AllOutputs)
        {
            string length = RowText.Number(output.Spec.RowLength);
            _writer.Line($"{output.Member} = new global::FastBatch.Lanes.OutputRows<{output.Element}>(this, {length});");
        }

        _writer.Close();
        foreach (NamedParameter output in _names.AllOutputs)
        {
            _writer.Line();
            _writer.Line($"public global::FastBatch.Lanes.OutputRows<{output.Element}> {output.Member} {{ get; }}");
        }

        _writer.Close();
    }

    private void EmitCopyRequest()
    {
        string? result = CopyResultType;
        _writer.Line();
        _writer.Open($"private sealed class {_names.CopyRequest} : {PendingRequest(result)}");
        foreach (NamedParameter output in _names.ArrayOutputs)
        {
            _writer.Line($"public global::System.Memory<{output.Element}> {output.Member} {{ get; set; }}");
            _writer.Line();
        }

        _writer.Open("protected override void Deliver(global::FastBatch.Lanes.OutputSlab outputs, int row)");
        _writer.Line($"{_names.Outputs} results = ({_names.Outputs})outputs;");
        foreach (NamedParameter output in _names.ArrayOutputs)
        {
            _writer.Line($"results.{output.Member}.Row(row).CopyTo({output.Member}.Span);");
        }

        string[] values = [.. _names.ScalarOutputs.Select(static output => $"results.{output.Member}.Value(row)")];
        if (values.Length > 0)
        {
            _writer.Line(values.Length == 1 ? $"Result = {values[0]};" : $"Result = ({string.Join(", ", values)});");
        }

        _writer.Close();
        EmitForget(result is not null);
        _writer.Close();
    }

    private void EmitForget(bool hasResult)
    {
        _writer.Line();
        _writer.Open("protected override void Forget()");
        foreach (NamedParameter output in _names.ArrayOutputs)
        {
            _writer.Line($"{output.Member} = default;");
        }

        if (hasResult)
        {
            _writer.Line("Result = default;");
        }

        _writer.Close();
    }

    private void EmitLeaseRequest()
    {
        if (!_method.HasLease)
        {
            return;
        }

        string lease = _method.HasLeaseType
            ? $"new {_names.Lease}(outputs, row)"
            : $"(({_names.Outputs})outputs).{_names.ArrayOutputs[0].Member}.Lease(row)";
        _writer.Line();
        _writer.Lines($$"""
            private sealed class {{_names.LeaseRequest}} : {{PendingRequest(LeaseType)}}
            {
                protected override void Deliver(global::FastBatch.Lanes.OutputSlab outputs, int row) =>
                    Result = {{lease}};

                protected override void Forget() => Result = default;
            }
            """);
    }
}

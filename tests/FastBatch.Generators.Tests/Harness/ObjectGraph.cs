using System.Reflection;

namespace FastBatch.Generators.Tests.Harness;

/// <summary>Visits an object and all that it refers to, private fields included.</summary>
internal static class ObjectGraph
{
    public static void Walk(object root, Action<object, string> visit) =>
        Walk(root, root.GetType().Name, visit, new HashSet<object>(ReferenceEqualityComparer.Instance));

    private static void Walk(object? value, string path, Action<object, string> visit, HashSet<object> visited)
    {
        if (value is null || !visited.Add(value))
        {
            return;
        }

        visit(value, path);
        if (value is Array array)
        {
            foreach (object? element in array)
            {
                Walk(element, $"{path}[]", visit, visited);
            }
        }
        else if (value is not string && !value.GetType().IsPrimitive)
        {
            for (Type? type = value.GetType(); type is not null; type = type.BaseType)
            {
                foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                {
                    Walk(field.GetValue(value), $"{path}.{field.Name}", visit, visited);
                }
            }
        }
    }
}
